//! The table of references: where the VAR_IN_OUT parameters and element references of each unit point, as offsets.

/// Points nowhere: whoever follows it faults.
pub(super) const UNBOUND: u32 = u32::MAX;

/// One entry for each reference of each unit, unbound at the start of each scan.
#[derive(Debug)]
pub(super) struct References(Vec<u32>);

impl References {
    /// A table with room for one at least: filling an empty one means a masked store of nothing to an address nobody has, for
    /// which processors with AVX-512 take 0.1 us, as long as a small program does.
    pub(super) fn new(count: usize) -> Self {
        Self(vec![UNBOUND; count.max(1)])
    }

    pub(super) fn unbind(&mut self) {
        self.0.fill(UNBOUND);
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [u32] {
        self.0.as_mut_slice()
    }
}
