//! Finds the variable a name of the map means.
//!
//! A name is a whole path (`main.fwd`), the last part of one (`fwd`) where only one variable ends so, or an address
//! (`%QX0.0`). Capital letters do not count, as everywhere in IEC 61131-3.

use bytecode::image::{Place as ImagePlace, Symbol, SymbolRole};
use bytecode::near::nearest;
use bytecode::{Image, ScalarType};
use std::cell::OnceCell;
use std::collections::HashMap;

/// Where a BOOL stands in the data segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BoolPlace {
    /// A byte holding 0 or 1.
    Byte(u32),
    /// A bit of the process image.
    Bit(u32, u8),
    /// Nowhere: an input that only the guard reads.
    Nowhere,
}

impl BoolPlace {
    /// Its value; FALSE outside the data.
    #[must_use]
    pub fn get(self, data: &[u8]) -> bool {
        match self {
            Self::Byte(at) => data.get(at as usize).is_some_and(|b| *b != 0),
            Self::Bit(at, bit) => data.get(at as usize).is_some_and(|b| b >> (bit & 7) & 1 != 0),
            Self::Nowhere => false,
        }
    }

    /// Sets its value; nothing happens outside the data or nowhere.
    pub fn set(self, data: &mut [u8], value: bool) {
        match self {
            Self::Byte(at) => {
                if let Some(byte) = data.get_mut(at as usize) {
                    *byte = u8::from(value);
                }
            }
            Self::Bit(at, bit) => {
                if let Some(byte) = data.get_mut(at as usize) {
                    let mask = 1 << (bit & 7);
                    *byte = if value { *byte | mask } else { *byte & !mask };
                }
            }
            Self::Nowhere => {}
        }
    }
}

/// Why a name means no variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotFound {
    /// Nothing has this name; perhaps this was meant.
    Unknown(Option<String>),
    /// Several variables end so.
    Ambiguous(Vec<String>),
}

/// The variables of an image by name.
#[derive(Debug)]
pub struct Symbols<'i> {
    image: &'i Image,
    /// Made when the first name is looked for: a program of 300,000 variables without a map asks for none.
    names: OnceCell<Names>,
}

/// Indices of symbols; paths and their ends in small letters, addresses in capitals.
#[derive(Debug)]
struct Names {
    by_path: HashMap<String, usize>,
    by_end: HashMap<String, Vec<usize>>,
    by_address: HashMap<String, usize>,
}

impl Names {
    fn new(image: &Image) -> Self {
        let mut by_path = HashMap::new();
        let mut by_end: HashMap<String, Vec<usize>> = HashMap::new();
        let mut by_address = HashMap::new();
        for (index, symbol) in image.symbols.iter().enumerate() {
            let path = symbol.path.to_lowercase();
            if let Some((_, end)) = path.rsplit_once('.') {
                by_end.entry(end.to_owned()).or_default().push(index);
            }
            by_path.insert(path, index);
            if !symbol.address.is_empty() {
                by_address.entry(symbol.address.to_uppercase()).or_insert(index);
            }
        }
        Self { by_path, by_end, by_address }
    }
}

impl<'i> Symbols<'i> {
    /// The symbols of an image.
    #[must_use]
    pub const fn new(image: &'i Image) -> Self {
        Self { image, names: OnceCell::new() }
    }

    fn names(&self) -> &Names {
        self.names.get_or_init(|| Names::new(self.image))
    }

    /// The variable a name means.
    ///
    /// # Errors
    /// No variable, or several; see [`NotFound`].
    pub fn find(&self, name: &str) -> Result<&'i Symbol, NotFound> {
        let symbols = &self.image.symbols;
        let at = |index: &usize| symbols.get(*index);
        if name.starts_with('%') {
            let address = name.to_uppercase();
            // %I0.0 is the short form of %IX0.0.
            let found = self.names().by_address.get(&address).or_else(|| {
                let (head, tail) = address.split_at_checked(2)?;
                self.names().by_address.get(&format!("{head}X{tail}"))
            });
            return found.and_then(at).ok_or(NotFound::Unknown(None));
        }
        let lower = name.to_lowercase();
        if let Some(symbol) = self.names().by_path.get(&lower).and_then(at) {
            return Ok(symbol);
        }
        match self.names().by_end.get(&lower).map(Vec::as_slice) {
            Some([one]) => at(one).ok_or(NotFound::Unknown(None)),
            Some(several) => self.unless_same_place(several),
            None => Err(NotFound::Unknown(self.suggest(&lower))),
        }
    }

    /// Several variables of one name are one when all stand at the same place (`AT` the same address).
    fn unless_same_place(&self, indices: &[usize]) -> Result<&'i Symbol, NotFound> {
        let found: Vec<&Symbol> = indices.iter().filter_map(|i| self.image.symbols.get(*i)).collect();
        match found.as_slice() {
            [first, rest @ ..] if rest.iter().all(|s| s.place == first.place && s.ty == first.ty) => Ok(first),
            _ => Err(NotFound::Ambiguous(found.iter().map(|s| s.path.clone()).collect())),
        }
    }

    fn suggest(&self, lower: &str) -> Option<String> {
        let ends = self.image.symbols.iter().map(|s| s.path.rsplit_once('.').map_or(s.path.as_str(), |(_, end)| end));
        let paths = self.image.symbols.iter().map(|s| s.path.as_str());
        nearest(lower, ends).or_else(|| nearest(lower, paths)).map(str::to_owned)
    }

    /// Where a BOOL variable stands; `None` for other types.
    #[must_use]
    pub fn bool_place(&self, symbol: &Symbol) -> Option<BoolPlace> {
        let scalar = self.image.ty(symbol.ty).and_then(bytecode::types::Type::scalar);
        if scalar != Some(ScalarType::Bool) {
            return None;
        }
        Some(match symbol.place {
            ImagePlace::Byte(offset) => BoolPlace::Byte(offset),
            ImagePlace::Bit { offset, bit } => BoolPlace::Bit(offset, bit),
        })
    }

    /// The variables located in the input or output image.
    pub fn located(&self) -> impl Iterator<Item = &'i Symbol> + use<'i> {
        self.image.symbols.iter().filter(|s| matches!(s.role, SymbolRole::Input | SymbolRole::Output))
    }

    /// The name a person would use: the last part of the path where only one variable ends so, else the path.
    #[must_use]
    pub fn short_name(&self, symbol: &'i Symbol) -> &'i str {
        let end = symbol.path.rsplit_once('.').map_or(symbol.path.as_str(), |(_, end)| end);
        match self.find(end) {
            Ok(found) if found.place == symbol.place => end,
            Ok(_) | Err(_) => &symbol.path,
        }
    }

    /// The image.
    #[must_use]
    pub const fn image(&self) -> &'i Image {
        self.image
    }
}
