//! The dot product of two slices, computed by `dot.c`.

#[cfg(not(target_family = "wasm"))]
unsafe extern "C" {
    fn dot_f32(a: *const f32, b: *const f32, len: usize) -> f32;
}

/// The sum of the products of the elements at the same place.
///
/// # Panics
///
/// When the slices differ in length.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "a dot product needs two slices of one length");
    #[cfg(not(target_family = "wasm"))]
    // SAFETY: both pointers come from slices of `a.len()` elements, and the kernel only reads.
    let product = unsafe { dot_f32(a.as_ptr(), b.as_ptr(), a.len()) };
    #[cfg(target_family = "wasm")]
    let product = a.iter().zip(b).map(|(a, b)| a * b).sum();
    product
}

#[cfg(test)]
mod tests {
    use super::dot;

    #[test]
    fn every_element_counts_once() {
        for len in 0..20 {
            let a: Vec<f32> = (0..len).map(|i| i as f32).collect();
            let b: Vec<f32> = (0..len).map(|i| (2 * i + 1) as f32).collect();
            let expected: u32 = (0..len).map(|i| i * (2 * i + 1)).sum();
            assert_eq!(dot(&a, &b), expected as f32, "length {len}");
        }
    }

    #[test]
    #[should_panic(expected = "two slices of one length")]
    fn lengths_must_agree() {
        dot(&[1.0], &[]);
    }
}
