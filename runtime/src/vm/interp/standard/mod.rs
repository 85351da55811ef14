//! Standard function blocks as one instruction each. That the instruction does what the body does is shown by a test over
//! every state and input that matter.

pub(super) mod native;
#[cfg(test)]
mod tests;

use super::super::standard::Standard;
use super::op::Opc;
use bytecode::ScalarType;

impl Standard {
    /// The instruction on the instance at the address register.
    pub(super) const fn at_register(self) -> Opc {
        match self {
            Self::Ton => Opc::TonE,
            Self::Tof => Opc::TofE,
            Self::Tp => Opc::TpE,
            Self::Ctu => Opc::CtuE,
            Self::Ctd => Opc::CtdE,
            Self::Ctud => Opc::CtudE,
            Self::RTrig => Opc::RTrigE,
            Self::FTrig => Opc::FTrigE,
            Self::Sr => Opc::SrE,
            Self::Rs => Opc::RsE,
        }
    }

    /// The block whose instruction on the instance at the address register this is.
    pub(super) fn of(op: Opc) -> Option<Self> {
        Self::ALL.into_iter().map(|(_, block)| block).find(|block| block.at_register() == op)
    }

    /// The instruction on an instance that always stands at the same place, with the moves of its inputs (three at
    /// most), if there is one.
    pub(super) const fn at_place(self) -> Option<Opc> {
        Some(match self {
            Self::Ton => Opc::Ton,
            Self::Tof => Opc::Tof,
            Self::Tp => Opc::Tp,
            Self::Ctu => Opc::Ctu,
            Self::Ctd => Opc::Ctd,
            Self::RTrig => Opc::RTrig,
            Self::FTrig => Opc::FTrig,
            Self::Sr => Opc::Sr,
            Self::Rs => Opc::Rs,
            Self::Ctud => return None,
        })
    }

    /// Offsets and types of the inputs, in the order of the declaration.
    pub(super) const fn inputs(self) -> &'static [(u32, ScalarType)] {
        use ScalarType::{Bool, I16, I64};
        match self {
            Self::Ton | Self::Tof | Self::Tp => &[(native::IN, Bool), (native::PT, I64)],
            Self::Ctu | Self::Ctd => &[(native::COUNT, Bool), (native::LOAD, Bool), (native::PV, I16)],
            Self::Ctud => &[(0, Bool), (2, Bool), (4, Bool), (5, Bool), (6, I16)],
            Self::RTrig | Self::FTrig => &[(native::CLK, Bool)],
            Self::Sr | Self::Rs => &[(native::FIRST, Bool), (native::SECOND, Bool)],
        }
    }
}
