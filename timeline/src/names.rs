//! What the names of a timeline file mean: variables of the program, members of the relay guard's channels, inputs.
//!
//! A name is a variable path as in [`bytecode::path`] (`start_pb`, `lock.Q`, `on_belt[3]`) or `CHANNEL.MEMBER`
//! (`fwd.contact`). Where a path names both, the variable wins. Names compare without regard to case.

use bytecode::Image;
use bytecode::near::nearest;
use bytecode::path::{PathError, Variable};
use bytecode::types::{Elementary, Field, FieldRole, Type, TypeKind};

/// Index of a channel in the order of the I/O map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelIndex(pub usize);

/// What can be asked of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Member {
    /// BOOL: the program commands the load on.
    Commanded,
    /// BOOL: the line is driven so that the load should be on.
    Line,
    /// Word: what the contact that carries the load does: the relay's, or that of the contactor behind it.
    Contact,
    /// BOOL: an ON waits.
    Pending,
    /// Word: the fault the guard has latched, or the trip that needs a new command.
    Fault,
    /// BOOL: an ON would be granted now.
    Ready,
}

impl Member {
    /// Every member, in the order of the documentation.
    pub const ALL: [Self; 6] = [Self::Commanded, Self::Line, Self::Contact, Self::Pending, Self::Fault, Self::Ready];

    /// As written behind the channel's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Commanded => "commanded",
            Self::Line => "line",
            Self::Contact => "contact",
            Self::Pending => "pending",
            Self::Fault => "fault",
            Self::Ready => "ready",
        }
    }

    /// The words a member can be; empty for BOOL.
    #[must_use]
    pub const fn words(self) -> &'static [&'static str] {
        match self {
            Self::Contact => &["open", "closed", "bouncing", "moving", "unknown"],
            Self::Fault => &[
                "none",
                "failed_to_close",
                "welded",
                "closed_uncommanded",
                "on_unacknowledged",
                "off_unacknowledged",
                "supply_lost",
                "feedback_lost",
            ],
            Self::Commanded | Self::Line | Self::Pending | Self::Ready => &[],
        }
    }
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// A variable of an elementary type.
    Variable {
        /// Where it stands.
        variable: Variable,
        /// Its type.
        elementary: Elementary,
    },
    /// A member of a channel.
    Channel {
        /// Which channel.
        channel: ChannelIndex,
        /// Which member.
        member: Member,
    },
}

/// The names of one program on one I/O map.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// The program.
    pub image: &'a Image,
    /// The channels, in the order of the I/O map.
    pub channels: &'a [String],
}

/// The fields of an instance a person would look at: all but edge memories, and of a library block only its parameters.
pub(crate) fn visible_fields(ty: &Type) -> impl Iterator<Item = &Field> {
    let library = compiler::stdlib::find_block(&ty.name.to_ascii_uppercase()).is_some();
    ty.fields().iter().filter(move |field| match field.role {
        FieldRole::Input | FieldRole::Output => true,
        FieldRole::Local => !library,
        FieldRole::Hidden => false,
    })
}

/// Why a name means nothing, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameError {
    /// What is wrong.
    pub message: String,
    /// What to do; may be empty.
    pub help: String,
}

impl Names<'_> {
    /// What a name stands for.
    ///
    /// # Errors
    /// The part that means nothing, with what looks like it.
    pub fn resolve(&self, name: &str) -> Result<Source, NameError> {
        match self.image.variable(name) {
            Ok(variable) => self.elementary(name, variable),
            Err(error) => self.member(name).unwrap_or_else(|| Err(self.unknown(name, &error))),
        }
    }

    fn elementary(&self, name: &str, variable: Variable) -> Result<Source, NameError> {
        let ty = self.image.ty(variable.ty);
        if let Some(TypeKind::Elementary(elementary)) = ty.map(|ty| &ty.kind) {
            return Ok(Source::Variable { variable, elementary: *elementary });
        }
        let type_name = ty.map_or("unknown", |ty| ty.name.as_str());
        let fields: Vec<&str> = ty.map(|ty| visible_fields(ty).map(|f| f.name.as_str()).collect()).unwrap_or_default();
        let help = if fields.is_empty() {
            format!("name one element, such as `{name}[1]`")
        } else {
            format!("name one part: {}", fields.join(", "))
        };
        Err(NameError { message: format!("`{name}` is of type {type_name}, which is more than one value"), help })
    }

    /// `CHANNEL.MEMBER`, or `None` where the name does not begin with a channel.
    fn member(&self, name: &str) -> Option<Result<Source, NameError>> {
        let (head, tail) = name.rsplit_once('.')?;
        let channel = self.channel(head)?;
        let member = Member::ALL.into_iter().find(|member| member.name().eq_ignore_ascii_case(tail.trim()));
        Some(match member {
            Some(member) => Ok(Source::Channel { channel, member }),
            None => {
                let known = Member::ALL.map(Member::name);
                let help = match nearest(tail, known) {
                    Some(near) => format!("did you mean `{head}.{near}`?"),
                    None => format!("a channel has {}", known.join(", ")),
                };
                Err(NameError { message: format!("the channel `{head}` has no `{tail}`"), help })
            }
        })
    }

    /// The channel of this name.
    #[must_use]
    pub fn channel(&self, name: &str) -> Option<ChannelIndex> {
        self.channels.iter().position(|channel| channel.eq_ignore_ascii_case(name.trim())).map(ChannelIndex)
    }

    /// The channel of this name, or what is wrong with it.
    ///
    /// # Errors
    /// No channel has the name.
    pub fn expect_channel(&self, name: &str) -> Result<ChannelIndex, NameError> {
        self.channel(name).ok_or_else(|| {
            let help = match nearest(name, self.channels.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None if self.channels.is_empty() => {
                    "the program runs without relay channels: give an I/O map".to_owned()
                }
                None => format!("the channels are {}", self.channels.join(", ")),
            };
            NameError { message: format!("no channel `{name}`"), help }
        })
    }

    fn unknown(&self, name: &str, error: &PathError) -> NameError {
        let head = name.rsplit_once('.').map_or(name, |(head, _)| head);
        let help = match nearest(head, self.channels.iter().map(String::as_str)) {
            Some(near) if matches!(error, PathError::Unknown { near: None, .. }) => {
                format!("did you mean the channel `{near}`?")
            }
            _ => String::new(),
        };
        NameError { message: format!("`{name}`: {error}"), help }
    }
}
