//! Where everything stands in the data segment.
//!
//! Order: inputs, outputs, flags (each area rounded up to 8 bytes), globals, program instances, frames. Scalars are
//! aligned to their size, so every aligned access stays within one. Within an instance scalars come before arrays and
//! inner instances, each in the order of the declaration: what a scan touches most lies close together. The same
//! program always gets the same layout.

use crate::arena::Arena;
use crate::ast::Area;
use crate::hir::{Class, GlobalId, Location, PouId, PouKind, Program, VarId};
use crate::map::HashMap;
use crate::types::{Composed, Ty};

/// Greatest size of the data segment: 64 MiB.
pub const DATA_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Size and alignment of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Bytes; a multiple of the alignment.
    pub size: u32,
    /// 1, 2, 4 or 8.
    pub align: u32,
}

/// Where a variable of a POU stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// In the instance.
    Own(u32),
    /// In the POU's static frame.
    Frame(u32),
    /// Behind this reference.
    Reference(u8),
    /// In the process image; see its location.
    Image,
}

/// The layout of a program.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    extents: HashMap<Ty, Extent>,
    storage: Arena<PouId, Vec<Storage>>,
    /// Bytes of each POU's frame, without temporaries.
    pub frame_bytes: Arena<PouId, u32>,
    /// Offsets of globals that have no address.
    pub globals: Arena<GlobalId, u32>,
    /// Offsets of the program instances.
    pub instances: Vec<u32>,
    /// Bytes of %I, %Q, %M.
    pub areas: [u32; 3],
    /// First byte after the program instances: frames follow.
    pub end: u32,
}

/// The program needs more data than [`DATA_BYTES_MAX`]; how many bytes at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge(pub u64);

/// The next multiple of a power of two.
#[must_use]
pub fn align_up(offset: u64, align: u32) -> u64 {
    offset.div_ceil(u64::from(align.max(1))) * u64::from(align.max(1))
}

/// Places things one after the other.
struct Cursor {
    at: u64,
    align: u32,
}

impl Cursor {
    fn place(&mut self, extent: Extent) -> Result<u32, TooLarge> {
        let start = align_up(self.at, extent.align);
        self.at = start + u64::from(extent.size);
        self.align = self.align.max(extent.align);
        if self.at > DATA_BYTES_MAX {
            return Err(TooLarge(self.at));
        }
        u32::try_from(start).map_err(|_| TooLarge(self.at))
    }
}

impl Layout {
    /// Lays out a program without errors.
    ///
    /// # Errors
    /// The data would be larger than [`DATA_BYTES_MAX`].
    pub fn new(program: &Program) -> Result<Self, TooLarge> {
        let mut layout = Self::default();
        let bytes = program.image_bytes;
        layout.areas = [bytes.input, bytes.output, bytes.memory].map(|b| b.div_ceil(8) * 8);
        for (id, pou) in program.pous.iter() {
            layout.storage.push(pou.vars.values().map(|_| Storage::Image).collect());
            layout.frame_bytes.push(0);
            debug_assert_eq!(layout.storage.len(), id.0 as usize + 1);
        }
        for (ty, _, _) in program.types.iter() {
            layout.extent(program, ty)?;
        }
        for id in program.pous.ids().filter(|id| program.pous[*id].instance.is_none()) {
            layout.frame(program, id)?;
        }
        let image: u32 = layout.areas.iter().sum();
        let mut cursor = Cursor { at: u64::from(image), align: 8 };
        for global in program.globals.values() {
            let at = if global.location.is_some() { 0 } else { cursor.place(layout.extent(program, global.ty)?)? };
            layout.globals.push(at);
        }
        for instance in &program.instances {
            let extent = match program.pous[instance.pou].instance {
                Some(ty) => layout.extent(program, ty)?,
                None => Extent { size: 0, align: 1 },
            };
            // Program instances begin on their own cache line.
            let at = cursor.place(Extent { align: 64, ..extent })?;
            layout.instances.push(at);
        }
        layout.end = u32::try_from(align_up(cursor.at, 8)).unwrap_or(u32::MAX);
        Ok(layout)
    }

    /// Size and alignment of a type.
    fn extent(&mut self, program: &Program, ty: Ty) -> Result<Extent, TooLarge> {
        if let Some(scalar) = ty.scalar() {
            return Ok(Extent { size: scalar.size(), align: scalar.size() });
        }
        if let Some(extent) = self.extents.get(&ty) {
            return Ok(*extent);
        }
        let extent = match program.types.composed(ty) {
            Some(Composed::Array { element, dimensions }) => {
                let inner = self.extent(program, *element)?;
                let count: u64 = dimensions.iter().map(|d| u64::from(d.len())).product();
                let size = count.saturating_mul(u64::from(inner.size));
                let size =
                    u32::try_from(size).ok().filter(|s| u64::from(*s) <= DATA_BYTES_MAX).ok_or(TooLarge(size))?;
                Extent { size, align: inner.align }
            }
            Some(Composed::Instance(pou)) => self.instance(program, *pou)?,
            None => Extent { size: 0, align: 1 },
        };
        self.extents.insert(ty, extent);
        Ok(extent)
    }

    /// Lays out the instances of a program or block, and its frame.
    fn instance(&mut self, program: &Program, id: PouId) -> Result<Extent, TooLarge> {
        let pou = &program.pous[id];
        let mut cursor = Cursor { at: 0, align: 1 };
        let mut in_out = 0;
        for scalars in [true, false] {
            for (var, variable) in pou.vars.iter() {
                if variable.ty.scalar().is_some() != scalars {
                    continue;
                }
                let storage = match variable.class {
                    _ if variable.location.is_some() => Storage::Image,
                    Class::Input | Class::Output | Class::Local | Class::Hidden => {
                        Storage::Own(cursor.place(self.extent(program, variable.ty)?)?)
                    }
                    Class::InOut | Class::Temp | Class::Result | Class::Global => continue,
                };
                self.set(id, var, storage);
            }
        }
        for var in &pou.in_outs {
            self.set(id, *var, Storage::Reference(in_out));
            in_out = in_out.saturating_add(1);
        }
        self.frame(program, id)?;
        let size = align_up(cursor.at, cursor.align).max(1);
        Ok(Extent { size: u32::try_from(size).map_err(|_| TooLarge(size))?, align: cursor.align })
    }

    /// Lays out what a POU keeps only while it runs.
    fn frame(&mut self, program: &Program, id: PouId) -> Result<(), TooLarge> {
        let pou = &program.pous[id];
        let function = pou.kind == PouKind::Function;
        let mut cursor = Cursor { at: 0, align: 1 };
        let mut in_out = 0;
        for (var, variable) in pou.vars.iter() {
            let in_frame = match variable.class {
                Class::Temp | Class::Result => true,
                Class::Input | Class::Output | Class::Local | Class::Hidden => function,
                Class::InOut => {
                    self.set(id, var, Storage::Reference(in_out));
                    in_out = in_out.saturating_add(1);
                    false
                }
                Class::Global => false,
            };
            if in_frame {
                let at = cursor.place(self.extent(program, variable.ty)?)?;
                self.set(id, var, Storage::Frame(at));
            }
        }
        self.frame_bytes[id] = u32::try_from(cursor.at).map_err(|_| TooLarge(cursor.at))?;
        Ok(())
    }

    fn set(&mut self, pou: PouId, var: VarId, storage: Storage) {
        if let Some(slot) = self.storage[pou].get_mut(var.0 as usize) {
            *slot = storage;
        }
    }

    /// Size and alignment of a type of the program.
    #[must_use]
    pub fn extent_of(&self, ty: Ty) -> Extent {
        match ty.scalar() {
            Some(scalar) => Extent { size: scalar.size(), align: scalar.size() },
            None => self.extents.get(&ty).copied().unwrap_or(Extent { size: 0, align: 1 }),
        }
    }

    /// Where a variable of a POU stands.
    #[must_use]
    pub fn storage(&self, pou: PouId, var: VarId) -> Storage {
        self.storage.find(pou).and_then(|vars| vars.get(var.0 as usize)).copied().unwrap_or(Storage::Image)
    }

    /// First byte of an area in the data segment.
    #[must_use]
    pub fn area_start(&self, area: Area) -> u32 {
        let [input, output, _] = self.areas;
        match area {
            Area::Input => 0,
            Area::Output => input,
            Area::Memory => input + output,
        }
    }

    /// Byte of the data segment an address names.
    #[must_use]
    pub fn location(&self, location: &Location) -> u32 {
        self.area_start(location.area) + location.byte
    }
}
