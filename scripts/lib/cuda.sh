# shellcheck shell=bash
# An image with NVIDIA's compiler where NVIDIA's images have it, from the wheels
# that NVIDIA publishes on PyPI: a hundredth of what those images are, and in
# reach wherever our own engine is.

CUDA_IMAGE=longshore/cuda:13
CUDA_WHEELS=(nvidia-cuda-nvcc==13.5.37 nvidia-nvvm==13.5.37 nvidia-cuda-runtime==13.5.37
  nvidia-cuda-crt==13.5.37 nvidia-cuda-cccl==13.3.5.0.6)

# cuda_up NAME: the image, in that engine.
cuda_up() {
  local name=$1
  [[ $(engine_kind "$name") != none ]] || die "engine '$name' is not running: scripts/engine up --name $name"
  with_lock images cuda_load "$name"
}

cuda_load() {
  local name=$1 dir=$STATE/images recipe
  recipe=$(recipe_of "${CUDA_WHEELS[@]}")
  if has_recipe "$name" "$CUDA_IMAGE" "$recipe"; then
    say "$CUDA_IMAGE is there"
    return
  fi
  [[ -d $dir/cuda-$recipe ]] || cuda_unpack "$dir/cuda-$recipe" "$dir/cuda.log"
  image_of_tree "$name" "$CUDA_IMAGE" "$dir/cuda-$recipe" /usr/local/cuda "$recipe"
}

# cuda_unpack ROOT LOG: the wheels as one toolkit. They hold no links and no
# executable files.
cuda_unpack() {
  local root=$1 log=$2 wheels wheel
  say "downloading NVIDIA's compiler (130 MB)"
  python3 -m pip --version >/dev/null 2>&1 || need_tools pip3
  need_tools unzip
  wheels=$(mktemp -d)
  if ! python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$wheels" "${CUDA_WHEELS[@]}" >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    rm -r "$wheels"
    die "the wheels could not be downloaded (see $log)"
  fi
  rm -rf "$root.tmp"
  mkdir -p "$root.tmp"
  for wheel in "$wheels"/*.whl; do unzip -qo "$wheel" 'nvidia/*' -d "$root.tmp"; done
  rm -r "$wheels"
  chmod a+rx "$root.tmp"/nvidia/cu13/{bin,nvvm/bin}/*
  ln -s lib "$root.tmp/nvidia/cu13/lib64"
  mv "$root.tmp/nvidia/cu13" "$root"
  rm -r "$root.tmp"
}
