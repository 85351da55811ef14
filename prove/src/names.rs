//! Names: what a condition calls things, and what bits are called for people.
//!
//! A member of a relay channel is named as in timeline tests, `CHANNEL.MEMBER`; where a path names a variable as well, the
//! variable wins.

use crate::graph::Lit;
use bytecode::Image;
use bytecode::image::Place;
use bytecode::near::nearest;
use bytecode::types::{Type, TypeId, TypeKind};
use relay::ChannelTable;

/// What names mean.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// The program.
    pub image: &'a Image,
    /// The channels of its I/O map; `None` where it has none.
    pub channels: Option<&'a ChannelTable>,
}

impl<'a> From<&'a Image> for Names<'a> {
    fn from(image: &'a Image) -> Self {
        Self { image, channels: None }
    }
}

/// What can be asked of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// BOOL: the program commands the load on.
    Commanded,
    /// BOOL: the guard drives the line so that the load should be on.
    Line,
    /// Word: what the contact that carries the load does.
    Contact,
    /// BOOL: an ON waits.
    Pending,
    /// BOOL: an ON would be granted now.
    Ready,
    /// Word: is a fault or trip latched?
    Fault,
}

impl Member {
    /// Every member.
    pub const ALL: [Self; 6] = [Self::Commanded, Self::Line, Self::Contact, Self::Pending, Self::Ready, Self::Fault];

    /// As written behind the channel's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Commanded => "commanded",
            Self::Line => "line",
            Self::Contact => "contact",
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Fault => "fault",
        }
    }

    /// The words it can be compared with: the one it is where its literal holds, and the other one where there is one. Empty for
    /// BOOL.
    #[must_use]
    pub const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Contact => &["closed", "open"],
            Self::Fault => &["none"],
            Self::Commanded | Self::Line | Self::Pending | Self::Ready => &[],
        }
    }
}

/// A channel after a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelLits {
    /// The program commands the load on.
    pub commanded: Lit,
    /// The guard drives the line so that the load should be on.
    pub line: Lit,
    /// The contact conducts, at the moment that is looked at.
    pub contact: Lit,
    /// An ON waits.
    pub pending: Lit,
    /// An ON would be granted now.
    pub ready: Lit,
    /// No fault and no trip is latched.
    pub sound: Lit,
}

impl ChannelLits {
    /// The literal of a member; of a word: that it is the first one.
    #[must_use]
    pub const fn of(&self, member: Member) -> Lit {
        match member {
            Member::Commanded => self.commanded,
            Member::Line => self.line,
            Member::Contact => self.contact,
            Member::Pending => self.pending,
            Member::Ready => self.ready,
            Member::Fault => self.sound,
        }
    }
}

impl Names<'_> {
    /// `CHANNEL.MEMBER`: the channel's number and the member; `None` where the name does not begin with a channel.
    ///
    /// # Errors
    /// Why it cannot be asked, and what to do.
    pub fn member(&self, path: &str) -> Result<Option<(usize, Member)>, (String, String)> {
        let Some((head, tail)) = path.rsplit_once('.') else { return Ok(None) };
        let member = Member::ALL.into_iter().find(|member| member.name().eq_ignore_ascii_case(tail));
        let Some(table) = self.channels else {
            // A bit of a program without a map that looks like one: the person means a relay.
            return match member.filter(|_| self.image.variable(head).is_ok()) {
                Some(_) => Err((
                    format!("`{path}`: what relays do stands in the I/O map, and this program has none"),
                    "write NAME.io.yaml beside the program, or name a map with `--io`".to_owned(),
                )),
                None => Ok(None),
            };
        };
        let Some(channel) = table.find(head) else {
            let names = table.ids().map(|id| table.channel(id).name.as_str());
            let near = nearest(head, names.clone());
            return match (member, near) {
                (Some(member), Some(near)) => Err((
                    format!("no output of the I/O map is called `{head}`"),
                    format!("did you mean `{near}.{}`?", member.name()),
                )),
                (Some(_), None) if self.image.variable(head).is_ok() => Err((
                    format!("no output of the I/O map is called `{head}`"),
                    format!("its outputs are {}", names.collect::<Vec<_>>().join(", ")),
                )),
                (Some(_) | None, _) => Ok(None),
            };
        };
        match member {
            Some(member) => Ok(Some((channel.index(), member))),
            None => {
                let known = Member::ALL.map(Member::name);
                let help = match nearest(tail, known) {
                    Some(near) => format!("did you mean `{head}.{near}`?"),
                    None => format!("a channel has {}", known.join(", ")),
                };
                Err((format!("the channel `{head}` has no `{tail}`"), help))
            }
        }
    }
}

/// The path of the variable a bit of the data belongs to, and the bit's number within it where it has more than one.
#[must_use]
pub fn of_bit(image: &Image, bit: usize) -> String {
    let byte = u32::try_from(bit / 8).unwrap_or(u32::MAX);
    for symbol in &image.symbols {
        match symbol.place {
            Place::Bit { offset, bit: number } if offset == byte && usize::from(number) == bit % 8 => {
                return symbol.path.clone();
            }
            Place::Bit { .. } => {}
            Place::Byte(offset) => {
                let size = image.ty(symbol.ty).map_or(0, |t| t.size);
                if (offset..offset.saturating_add(size)).contains(&byte) {
                    let mut path = symbol.path.clone();
                    let rest = within(image, symbol.ty, byte - offset, &mut path);
                    return numbered(path, rest, bit % 8);
                }
            }
        }
    }
    format!("internal bit {bit}")
}

fn numbered(path: String, (byte, single): (u32, bool), bit: usize) -> String {
    if single { path } else { format!("{path}.{}", byte as usize * 8 + bit) }
}

/// Descends to the scalar at a byte; the byte within it, and whether it is a BOOL.
fn within(image: &Image, ty: TypeId, byte: u32, path: &mut String) -> (u32, bool) {
    let Some(t) = image.ty(ty) else { return (byte, false) };
    match &t.kind {
        TypeKind::Array { element, dimensions, stride } if *stride > 0 => {
            let mut flat = u64::from(byte / stride);
            let mut indices = Vec::new();
            for dimension in dimensions.iter().rev() {
                let length = dimension.len().max(1);
                indices.push((i64::from(dimension.lower) + i64::try_from(flat % length).unwrap_or(0)).to_string());
                flat /= length;
            }
            indices.reverse();
            path.push_str(&format!("[{}]", indices.join(", ")));
            within(image, *element, byte % stride, path)
        }
        TypeKind::Instance { fields } | TypeKind::Structure { fields } => {
            let size = |id: TypeId| image.ty(id).map_or(0, |t: &Type| t.size);
            match fields.iter().find(|f| (f.offset..f.offset.saturating_add(size(f.ty))).contains(&byte)) {
                Some(field) => {
                    path.push('.');
                    path.push_str(&field.name);
                    within(image, field.ty, byte - field.offset, path)
                }
                None => (byte, false),
            }
        }
        TypeKind::Elementary(_) | TypeKind::Enumeration { .. } | TypeKind::Text { .. } | TypeKind::Array { .. } => {
            (byte, t.scalar() == Some(bytecode::ScalarType::Bool))
        }
    }
}
