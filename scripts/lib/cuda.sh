# shellcheck shell=bash
# Images with NVIDIA's compiler where NVIDIA's images have it, from the wheels
# that NVIDIA publishes on PyPI: one with the compiler alone, and one, on
# demand, with the libraries that programs of candle are linked with.

CUDA_IMAGE=longshore/cuda:13
CUDA_WHEELS=(nvidia-cuda-nvcc==13.5.37 nvidia-nvvm==13.5.37 nvidia-cuda-runtime==13.5.37
  nvidia-cuda-crt==13.5.37 nvidia-cuda-cccl==13.3.5.0.6)

# The runtime for arm64, which NVIDIA's packages for cross compilers have in
# targets/sbsa-linux.
CUDA_ARM64=(--platform manylinux2014_aarch64 nvidia-cuda-runtime==13.5.37)

CUDA_MATH_IMAGE=longshore/cuda:13-math
CUDA_MATH_WHEELS=("${CUDA_WHEELS[@]}" nvidia-cublas==13.10.0.20 nvidia-curand==10.4.5.25
  nvidia-cuda-nvrtc==13.5.37)

# cuda_load NAME: the image with the compiler, in that engine.
cuda_load() {
  local name=$1 dir=$STATE/images recipe
  recipe=$(recipe_of "${CUDA_WHEELS[@]}" "${CUDA_ARM64[@]}")
  if has_recipe "$name" "$CUDA_IMAGE" "$recipe"; then
    say "$CUDA_IMAGE is there"
    return
  fi
  if [[ ! -d $dir/cuda-$recipe ]]; then
    cuda_unpack "$dir/cuda-new" "$dir/cuda.log" "NVIDIA's compiler (130 MB)" "${CUDA_WHEELS[@]}"
    wheels_unpack "$dir/cuda-arm64" "$dir/cuda.log" "NVIDIA's runtime for arm64" "${CUDA_ARM64[@]}"
    mkdir -p "$dir/cuda-new/targets/sbsa-linux"
    mv "$dir/cuda-arm64/nvidia/cu13/lib" "$dir/cuda-new/targets/sbsa-linux/"
    rm -r "$dir/cuda-arm64"
    mv "$dir/cuda-new" "$dir/cuda-$recipe"
  fi
  image_of_tree "$name" "$CUDA_IMAGE" "$dir/cuda-$recipe" /usr/local/cuda "$recipe"
}

# cuda_math_load NAME: the image with cuBLAS, cuRAND and NVRTC besides, in that
# engine.
cuda_math_load() {
  local name=$1 root recipe
  recipe=$(recipe_of "${CUDA_MATH_WHEELS[@]}" "$LIB/cuda.sh")
  root=$STATE/images/cuda-math-$recipe
  if has_recipe "$name" "$CUDA_MATH_IMAGE" "$recipe"; then
    say "$CUDA_MATH_IMAGE is there"
    return
  fi
  need_tools gcc
  cuda_unpack "$root" "$STATE/images/cuda-math.log" "NVIDIA's compiler and libraries (710 MB)" "${CUDA_MATH_WHEELS[@]}"
  cuda_link_names "$root/lib"
  cuda_stub "$root"
  image_of_tree "$name" "$CUDA_MATH_IMAGE" "$root" /usr/local/cuda "$recipe"
  # Over a gigabyte, and quicker downloaded again than missed.
  rm -r "$root"
}

# cuda_unpack ROOT LOG WHAT WHEEL...: the wheels as one toolkit.
cuda_unpack() {
  local root=$1 log=$2
  wheels_unpack "$root.tmp" "$log" "${@:3}"
  chmod a+rx "$root.tmp"/nvidia/cu13/{bin,nvvm/bin}/*
  ln -s lib "$root.tmp/nvidia/cu13/lib64"
  rm -rf "$root"
  mv "$root.tmp/nvidia/cu13" "$root"
  rm -r "$root.tmp"
}

# The names that linkers look for, which a wheel leaves out.
cuda_link_names() {
  local library
  for library in "$1"/lib*.so.*; do ln -sf "${library##*/}" "${library%%.so.*}.so"; done
}

# Programs are linked with the driver's library, which only machines with a GPU
# have. NVIDIA's images have a stub of it at this place, its wheels do not: this
# one has every name of the header, and each function says that there is no
# device (100).
cuda_stub() {
  local root=$1 source=$1/stub.c
  {
    grep -oE '\bcu[A-Z][A-Za-z0-9_]*' "$root/include/cuda.h"
    printf '%s\n' cuProfilerInitialize cuProfilerStart cuProfilerStop
  } | sort -u | sed 's/.*/int &(void) { return 100; }/' >"$source"
  mkdir -p "$root/lib/stubs"
  gcc -shared -nostdlib -Wl,-soname,libcuda.so.1 -o "$root/lib/stubs/libcuda.so" "$source" ||
    die "the stub of the driver's library does not compile"
  rm "$source"
}
