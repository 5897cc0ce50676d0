//! One list of column names per component, for the AIR and for the witness.

/// Defines `Columns<T>`, one `T` for each column of a table: expressions in the AIR, field elements in a witness row,
/// positions where a single column is wanted.
macro_rules! columns {
    ($($(#[$attribute:meta])* $name:ident $([$count:literal])?,)*) => {
        /// The columns, in order. `T` is an expression in the AIR, a field element in a row of the witness, or a position.
        pub struct Columns<T> {
            $($(#[$attribute])* pub $name: columns!(@type T $($count)?),)*
        }

        /// Number of columns.
        pub const WIDTH: usize = 0 $(+ columns!(@width $($count)?))*;

        impl<T> Columns<T> {
            /// Asks for each column by its name, in order.
            #[allow(unused_mut)]
            fn from_names(mut column: impl FnMut(String) -> T) -> Self {
                Self { $($name: columns!(@make column $name $($count)?),)* }
            }
        }

        impl Columns<stark::Expr> {
            fn new(builder: &mut stark::AirBuilder) -> Self {
                Self::from_names(|name| builder.column(name))
            }
        }

        impl Columns<usize> {
            /// The position of each column.
            pub fn positions() -> Self {
                let mut next = 0..;
                Self::from_names(|_| next.next().unwrap_or_default())
            }
        }

        impl Columns<felt::Felt> {
            /// The row in column order.
            pub fn into_row(self) -> [felt::Felt; WIDTH] {
                let mut row = [felt::Felt::zero(); WIDTH];
                let mut cells = row.iter_mut();
                let mut push = |value| {
                    if let Some(cell) = cells.next() {
                        *cell = value;
                    }
                };
                $(columns!(@push push (self.$name) $($count)?);)*
                row
            }
        }
    };
    (@type $t:ident) => { $t };
    (@type $t:ident $count:literal) => { [$t; $count] };
    (@width) => { 1 };
    (@width $count:literal) => { $count };
    (@make $column:ident $name:ident) => { $column(stringify!($name).to_owned()) };
    (@make $column:ident $name:ident $count:literal) => {
        std::array::from_fn(|i| $column(format!("{}[{i}]", stringify!($name))))
    };
    (@push $push:ident ($value:expr)) => { $push($value) };
    (@push $push:ident ($value:expr) $count:literal) => { $value.into_iter().for_each(&mut $push) };
}
pub(crate) use columns;
