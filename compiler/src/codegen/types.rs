//! The type table of the image.

use super::Input;
use super::layout::Storage;
use crate::hir::{Class, PouId};
use crate::map::HashMap;
use crate::types::{Composed, Ty};
use bytecode::TypeId;
use bytecode::types::{Dimension, Field, FieldRole, Retention, Type, TypeKind};

/// Types in the order they are first needed; what a type is made of comes before it.
#[derive(Default)]
pub(super) struct TypeTable {
    types: Vec<Type>,
    numbers: HashMap<Ty, TypeId>,
}

impl TypeTable {
    /// The number of a type. Instances nest at most as deep as the analysis allows.
    pub(super) fn id(&mut self, input: &Input<'_>, ty: Ty) -> TypeId {
        if let Some(id) = self.numbers.get(&ty) {
            return *id;
        }
        let size = input.layout.extent_of(ty).size;
        let kind = match (input.program.types.composed(ty), ty.elementary()) {
            (Some(Composed::Array { element, dimensions }), _) => {
                let dimensions = dimensions.iter().map(|d| Dimension { lower: d.lower, upper: d.upper }).collect();
                let stride = input.layout.extent_of(*element).size;
                TypeKind::Array { element: self.id(input, *element), dimensions, stride }
            }
            (Some(Composed::Instance(pou)), _) => TypeKind::Instance { fields: self.fields(input, *pou) },
            // Pseudo types do not outlive the analysis.
            (None, elementary) => TypeKind::Elementary(elementary.unwrap_or(bytecode::types::Elementary::Bool)),
        };
        let name = input.program.types.name(ty).to_owned();
        let id = TypeId(u32::try_from(self.types.len()).unwrap_or(u32::MAX));
        self.types.push(Type { name, size, kind });
        self.numbers.insert(ty, id);
        id
    }

    fn fields(&mut self, input: &Input<'_>, pou: PouId) -> Vec<Field> {
        let mut fields = Vec::new();
        for (var, variable) in input.program.pous[pou].vars.iter() {
            let Storage::Own(offset) = input.layout.storage(pou, var) else { continue };
            let role = match variable.class {
                Class::Input => FieldRole::Input,
                Class::Output => FieldRole::Output,
                Class::Hidden => FieldRole::Hidden,
                Class::Local | Class::InOut | Class::Temp | Class::Result | Class::Global => FieldRole::Local,
            };
            let ty = self.id(input, variable.ty);
            // A kept instance must not bring back the constants of an earlier version of its block.
            let retention = if variable.constant { Retention::NonRetain } else { variable.retention };
            fields.push(Field { name: variable.name.to_string(), offset, ty, role, retention });
        }
        fields.sort_by_key(|f| f.offset);
        fields
    }

    pub(super) fn finish(self) -> Vec<Type> {
        self.types
    }
}
