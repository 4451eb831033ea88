//! Counts the processors that Huawei's library finds.

#[cfg(feature = "ascend")]
fn found() -> String {
    use cann_sys::{acl_device::aclrtGetDeviceCount, aclFinalize, aclInit};

    let mut count = u32::MAX;
    // No configuration; the count is written before the call returns.
    let statuses = unsafe { [aclInit(std::ptr::null()), aclrtGetDeviceCount(&mut count), aclFinalize(0)] };
    match statuses {
        [0, 0, 0] => format!("{count} processors"),
        _ => format!("the library says {statuses:?}"),
    }
}

#[cfg(not(feature = "ascend"))]
fn found() -> String {
    "built without the library".to_owned()
}

fn main() {
    println!("{}, compiled for {}", found(), env!("COMPILED_FOR"));
}
