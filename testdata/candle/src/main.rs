//! Multiplies two matrices of ones, on the first GPU where the program has kernels for one.

use candle_core::{DType, Device, Result, Tensor};

fn main() -> Result<()> {
    let device = if cfg!(feature = "cuda") { Device::new_cuda(0)? } else { Device::Cpu };
    let ones = Tensor::ones((16, 16), DType::F32, &device)?;
    let sum = ones.matmul(&ones)?.sum_all()?.to_scalar::<f32>()?;
    println!("{sum} on {:?}, in hexadecimal {}", device.location(), hex::encode(sum.to_be_bytes()));
    Ok(())
}
