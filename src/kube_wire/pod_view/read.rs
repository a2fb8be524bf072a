//! How a part of the view is read: declared as a table of JSON names and fields.
//!
//! Kinds were checked against the schema, so reading cannot fail, and so were names: what is compared
//! here is their index in the schema's table. `null` is absent, as in Go.

use crate::kube_wire::json::Kind;
use crate::kube_wire::received_pod::SoundPod;
use crate::kube_wire::schema::{Holding, ObjectSchema};

/// A part of a pod that is read from the value at a position in it. What is not there keeps its default;
/// what needs memory takes it from the pod's room.
pub(super) trait Read<'a> {
    /// The tables of the schema that such objects were held against; none for what is no object.
    const TABLES: &'static [&'static ObjectSchema] = &[];

    /// How many of these objects it reads.
    const HOLDING: Holding = Holding::One;

    fn read(at: u32, pod: &'a SoundPod<'a>) -> Self;
}

/// Declares a struct of the view: a JSON name, a field and its type in each line, of objects that were
/// held against these tables of the schema. The part behind `and` holds what is not written in the JSON
/// of that object.
///
/// Plain types are Go's plain types: absent and zero mean the same there. `Option` stands where Go
/// has a pointer: absent is a third value.
macro_rules! view {
    (
        $(#[$about:meta])*
        $name:ident $(<$life:lifetime>)? of [$($table:ident),+] {
            $($(#[$note:meta])* $key:literal $field:ident: $kind:ty,)*
        }
        $(and { $($(#[$extra_note:meta])* $extra:ident: $extra_kind:ty,)* })?
    ) => {
        $(#[$about])*
        #[derive(Clone, Default, PartialEq, Eq)]
        pub struct $name $(<$life>)? {
            $(#[doc = concat!("`", $key, "`.")] $(#[$note])* pub $field: $kind,)*
            $($($(#[$extra_note])* pub $extra: $extra_kind,)*)?
        }

        impl<'value $(: $life, $life)?> crate::kube_wire::pod_view::read::Read<'value>
            for $name $(<$life>)?
        {
            const TABLES: &'static [&'static crate::kube_wire::schema::ObjectSchema] =
                &[$(&$table),+];

            fn read(
                at: u32,
                pod: &'value crate::kube_wire::received_pod::SoundPod<'value>,
            ) -> Self {
                let mut view = Self::default();
                view.fill(at, pod);
                view
            }
        }

        impl<'value $(: $life, $life)?> $name $(<$life>)? {
            /// Out of line, measured: else every field is kept in a register, or saved from it, for every
            /// other.
            #[inline(never)]
            fn fill(
                &mut self,
                at: u32,
                pod: &'value crate::kube_wire::received_pod::SoundPod<'value>,
            ) {
                use crate::kube_wire::pod_view::read::Read;
                use crate::kube_wire::schema::ObjectSchema;
                struct Index;
                #[expect(non_upper_case_globals, reason = "named after the fields")]
                impl Index {
                    $(const $field: u8 = ObjectSchema::index_in(<$name as Read>::TABLES, $key);)*
                }
                $(const {
                    let (parts, holding) = (<$kind as Read>::TABLES, <$kind as Read>::HOLDING);
                    let holds = ObjectSchema::holds(<Self as Read>::TABLES, $key, parts, holding);
                    assert!(holds, "the field holds something else");
                })*
                for (index, member) in pod.checked.members(at) {
                    match index {
                        $(Index::$field => self.$field = Read::read(member, pod),)*
                        _ => {}
                    }
                }
            }
        }
    };
}
pub(super) use view;

/// `resource.Quantity`, as written. Two spellings of one amount differ here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity<'a> {
    /// A string such as `64Mi`.
    Text(&'a str),
    /// A JSON number without fraction.
    Integer(i64),
    /// Any other JSON number: its token.
    Number(&'a str),
}

/// `intstr.IntOrString`: a port by number or by the name that the container gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortReference<'a> {
    /// Its number.
    Number(i64),
    /// Its name. Go reads a name that is all digits as a number when it looks it up.
    Name(&'a str),
}

impl Default for Quantity<'_> {
    fn default() -> Self {
        Self::Integer(0)
    }
}

impl Default for PortReference<'_> {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl<'a> Read<'a> for Quantity<'a> {
    #[inline]
    fn read(at: u32, pod: &'a SoundPod<'a>) -> Self {
        match pod.checked.at(at).kind() {
            Kind::Text(text) => Self::Text(text),
            Kind::Integer(number) => Self::Integer(number),
            Kind::Number(token) => Self::Number(token),
            Kind::Null | Kind::Bool(_) | Kind::Array | Kind::Object => Self::default(),
        }
    }
}

impl<'a> Read<'a> for PortReference<'a> {
    #[inline]
    fn read(at: u32, pod: &'a SoundPod<'a>) -> Self {
        let value = pod.checked.at(at);
        match value.as_str() {
            Some(name) => Self::Name(name),
            None => Self::Number(value.as_i64().unwrap_or_default()),
        }
    }
}

impl<'a> Read<'a> for &'a str {
    #[inline]
    fn read(at: u32, pod: &'a SoundPod<'a>) -> Self {
        pod.checked.at(at).as_str().unwrap_or_default()
    }
}

impl<'a> Read<'a> for bool {
    #[inline]
    fn read(at: u32, pod: &'a SoundPod<'a>) -> Self {
        pod.checked.at(at).as_bool().unwrap_or_default()
    }
}

impl<'a> Read<'a> for i64 {
    #[inline]
    fn read(at: u32, pod: &'a SoundPod<'a>) -> Self {
        pod.checked.at(at).as_i64().unwrap_or_default()
    }
}

impl<'a, Part: Read<'a>> Read<'a> for Option<Part> {
    const TABLES: &'static [&'static ObjectSchema] = Part::TABLES;

    #[inline]
    fn read(at: u32, pod: &'a SoundPod<'a>) -> Self {
        Some(Part::read(at, pod))
    }
}

impl<'a, Part: Read<'a> + 'a> Read<'a> for &'a Part {
    const TABLES: &'static [&'static ObjectSchema] = Part::TABLES;

    #[inline]
    fn read(at: u32, pod: &'a SoundPod<'a>) -> Self {
        pod.room.keep(Part::read(at, pod))
    }
}

impl<'a, Part: Read<'a> + 'a> Read<'a> for &'a [Part] {
    const TABLES: &'static [&'static ObjectSchema] = Part::TABLES;
    const HOLDING: Holding = Holding::List;

    fn read(at: u32, pod: &'a SoundPod<'a>) -> Self {
        let items = || pod.checked.at(at).items().map(|item| item.position());
        pod.room.keep_all(items().count(), items().map(|item| Part::read(item, pod)))
    }
}

/// A map in the order received; keys are unique.
pub type Entries<'a, Part> = &'a [(&'a str, Part)];

impl<'a, Part: Read<'a> + 'a> Read<'a> for Entries<'a, Part> {
    const TABLES: &'static [&'static ObjectSchema] = Part::TABLES;
    const HOLDING: Holding = Holding::Map;

    fn read(at: u32, pod: &'a SoundPod<'a>) -> Self {
        let entries = || pod.checked.at(at).entries();
        let parts = entries().map(|(key, member)| (key, Part::read(member.position(), pod)));
        pod.room.keep_all(entries().count(), parts)
    }
}
