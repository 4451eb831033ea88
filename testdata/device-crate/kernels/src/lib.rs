//! Runs on the GPU, one item for each value.
#![no_std]
#![feature(abi_gpu_kernel)]
#![cfg_attr(target_arch = "nvptx64", feature(stdarch_nvptx))]
#![cfg_attr(target_arch = "amdgpu", feature(stdarch_amdgpu))]

/// Values of one block.
const BLOCK: u32 = 64;

/// Replaces each of `count` values by that of the curve there.
///
/// # Safety
/// `values` points to that many.
#[unsafe(no_mangle)]
pub unsafe extern "gpu-kernel" fn evaluate(values: *mut f32, count: u32) {
    let index = index();
    if index < count {
        unsafe {
            let value = values.add(index as usize);
            *value = curve::at(*value);
        }
    }
}

#[cfg(target_arch = "nvptx64")]
fn index() -> u32 {
    use core::arch::nvptx::{_block_idx_x, _thread_idx_x};
    unsafe { _block_idx_x() as u32 * BLOCK + _thread_idx_x() as u32 }
}

#[cfg(target_arch = "amdgpu")]
fn index() -> u32 {
    use core::arch::amdgpu::{workgroup_id_x, workitem_id_x};
    workgroup_id_x() * BLOCK + workitem_id_x()
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    loop {}
}
