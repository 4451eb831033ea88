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
    let product = dot_in_rust(a, b);
    product
}

/// What `dot.c` computes, in the same order, so that every bit is the same.
#[cfg(any(target_family = "wasm", test))]
fn dot_in_rust(a: &[f32], b: &[f32]) -> f32 {
    let (a_fours, b_fours) = (a.chunks_exact(4), b.chunks_exact(4));
    let (a_rest, b_rest) = (a_fours.remainder(), b_fours.remainder());
    let mut sums = [0.0_f32; 4];
    for (a, b) in a_fours.zip(b_fours) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    let mut sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (a, b) in a_rest.iter().zip(b_rest) {
        sum += a * b;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::{dot, dot_in_rust};

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
    fn both_ways_agree_in_every_bit() {
        // No sum of these is exact, so another order shows.
        let a: Vec<f32> = (1..200).map(|i| 1.0 / i as f32).collect();
        let b: Vec<f32> = (1..200).map(|i| (i as f32).sqrt()).collect();
        for len in 0..a.len() {
            let (a, b) = (&a[..len], &b[..len]);
            assert_eq!(dot(a, b).to_bits(), dot_in_rust(a, b).to_bits(), "length {len}");
        }
    }

    #[test]
    #[should_panic(expected = "two slices of one length")]
    fn lengths_must_agree() {
        dot(&[1.0], &[]);
    }
}
