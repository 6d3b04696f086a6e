//! How much something is, as a person reads it.

/// `512 B`, `1.5 KiB`, `12.3 MiB`, `4.0 GiB`.
pub fn size(bytes: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let Some((unit, shift)) = units.into_iter().find(|(_, shift)| bytes >> shift > 0) else {
        return format!("{bytes} B");
    };
    let tenths = (u128::from(bytes) * 10) >> shift;
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn a_size_has_the_unit_that_fits() {
        let told = [0, 1023, 1024, 1536, (1 << 20) - 1, 12_897_485, 5 << 30].map(size);
        assert_eq!(told, ["0 B", "1023 B", "1.0 KiB", "1.5 KiB", "1023.9 KiB", "12.3 MiB", "5.0 GiB"]);
    }
}
