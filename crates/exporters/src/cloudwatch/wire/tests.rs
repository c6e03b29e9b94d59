use proptest::prelude::*;

use super::*;
use crate::cloudwatch::pack::tests::{at, every_shape};

#[test]
fn what_was_written_is_read() {
    for shape in every_shape() {
        let datum = at(shape, 1_795_500_000);
        let mut bytes = vec![1, 2, 3];
        write_datum(&mut bytes, &datum);
        assert_eq!(read_datum(&bytes[3..]).unwrap(), datum);
    }
}

proptest! {
    #[test]
    fn foreign_bytes_are_an_error_or_a_datum_and_no_panic(
        at_byte in any::<prop::sample::Index>(), with in any::<u8>(), shape in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let shapes = every_shape();
        let mut bytes = Vec::new();
        write_datum(&mut bytes, &at(shapes[shape.index(shapes.len())].clone(), 1_795_500_000));
        let place = at_byte.index(bytes.len());
        bytes[place] = with;
        bytes.truncate(cut.index(bytes.len() + 1).max(1));
        // Whatever it says, it says it.
        let _ = read_datum(&bytes);
    }
}
