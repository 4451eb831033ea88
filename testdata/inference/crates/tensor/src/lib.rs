//! Dense `f32` matrices, row by row, with the few operations that a small network needs.

use std::{error, fmt};

/// A matrix; its rows lie one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    rows: usize,
    cols: usize,
    // Invariant: `rows * cols` elements.
    data: Vec<f32>,
}

/// The number of elements does not fit the shape.
#[derive(Debug, PartialEq, Eq)]
pub struct ShapeError {
    rows: usize,
    cols: usize,
    len: usize,
}

impl Matrix {
    /// A matrix of these elements.
    pub fn new(rows: usize, cols: usize, data: Vec<f32>) -> Result<Self, ShapeError> {
        if rows.checked_mul(cols) == Some(data.len()) {
            Ok(Self { rows, cols, data })
        } else {
            Err(ShapeError { rows, cols, len: data.len() })
        }
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns there are.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// One row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.data[row * self.cols..][..self.cols]
    }

    /// The mean of the chosen rows, as a matrix of one row; zeros when none is chosen.
    pub fn mean_of_rows(&self, chosen: &[usize]) -> Self {
        let mut mean = vec![0.0; self.cols];
        for &row in chosen {
            for (sum, value) in mean.iter_mut().zip(self.row(row)) {
                *sum += value;
            }
        }
        for sum in &mut mean {
            *sum /= chosen.len().max(1) as f32;
        }
        Self { rows: 1, cols: self.cols, data: mean }
    }

    /// `self · otherᵀ`: weights are kept with one row per output, so both operands are read along
    /// their rows.
    ///
    /// # Panics
    ///
    /// When the rows of the two differ in length.
    pub fn matmul_transposed(&self, other: &Self) -> Self {
        let mut data = Vec::with_capacity(self.rows * other.rows);
        for row in 0..self.rows {
            data.extend((0..other.rows).map(|column| simd::dot(self.row(row), other.row(column))));
        }
        Self { rows: self.rows, cols: other.rows, data }
    }

    /// Adds `bias` to every row.
    ///
    /// # Panics
    ///
    /// When `bias` is not one row of the same length.
    pub fn plus_row(mut self, bias: &Self) -> Self {
        assert_eq!((bias.rows, bias.cols), (1, self.cols), "a bias is one row of the same length");
        for (index, value) in self.data.iter_mut().enumerate() {
            *value += bias.data[index % self.cols];
        }
        self
    }

    /// Negative elements become zero.
    pub fn relu(mut self) -> Self {
        for value in &mut self.data {
            *value = value.max(0.0);
        }
        self
    }

    /// Turns every row into probabilities.
    pub fn softmax(mut self) -> Self {
        for row in self.data.chunks_mut(self.cols.max(1)) {
            // Shifting by the largest element changes nothing but keeps `exp` in range.
            let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let mut sum = 0.0;
            for value in &mut *row {
                *value = (*value - largest).exp();
                sum += *value;
            }
            for value in row {
                *value /= sum;
            }
        }
        self
    }
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} elements do not make a {} by {} matrix", self.len, self.rows, self.cols)
    }
}

impl error::Error for ShapeError {}

#[cfg(test)]
mod tests {
    use super::Matrix;

    fn matrix(rows: usize, cols: usize, data: &[f32]) -> Matrix {
        Matrix::new(rows, cols, data.to_vec()).unwrap()
    }

    #[test]
    fn elements_must_fill_the_shape() {
        let error = Matrix::new(2, 3, vec![0.0; 5]).unwrap_err();
        assert_eq!(error.to_string(), "5 elements do not make a 2 by 3 matrix");
    }

    #[test]
    fn products_are_taken_row_by_row() {
        let left = matrix(2, 3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let right = matrix(2, 3, &[1.0, 0.0, 1.0, 0.0, 2.0, 0.0]);
        assert_eq!(left.matmul_transposed(&right), matrix(2, 2, &[4.0, 4.0, 10.0, 10.0]));
    }

    #[test]
    fn a_mean_of_no_rows_is_zero() {
        let matrix_of_two = matrix(2, 2, &[1.0, 2.0, 3.0, 6.0]);
        assert_eq!(matrix_of_two.mean_of_rows(&[0, 1]), matrix(1, 2, &[2.0, 4.0]));
        assert_eq!(matrix_of_two.mean_of_rows(&[]), matrix(1, 2, &[0.0, 0.0]));
    }

    #[test]
    fn softmax_gives_probabilities_even_of_large_values() {
        let row = matrix(1, 2, &[1000.0, 1000.0]).softmax();
        assert_eq!(row, matrix(1, 2, &[0.5, 0.5]));
    }

    #[test]
    fn relu_and_bias() {
        let row = matrix(2, 2, &[-1.0, 2.0, 0.5, -3.0]).plus_row(&matrix(1, 2, &[0.5, 1.0])).relu();
        assert_eq!(row, matrix(2, 2, &[0.0, 3.0, 1.0, 0.0]));
    }
}
