# shellcheck shell=bash
# A STUB of Huawei's SDK for Ascend where its images have it. The SDK itself
# cannot be had without Huawei's own servers: no package index has it. This one
# has a header and a library with the names that the crate `cann-sys` looks for,
# enough to find, link and load it; it knows of no device and computes nothing.

ASCEND_IMAGE=longshore/ascend:stub

# ascend_load NAME: the image, in that engine.
ascend_load() {
  local name=$1 root=$STATE/images/ascend recipe
  recipe=$(recipe_of "$LIB/ascend.sh")
  if has_recipe "$name" "$ASCEND_IMAGE" "$recipe"; then
    say "$ASCEND_IMAGE is there"
    return
  fi
  need_tools gcc
  rm -rf "$root"
  ascend_stub "$root/ascend-toolkit/latest"
  image_of_tree "$name" "$ASCEND_IMAGE" "$root" /usr/local/Ascend "$recipe"
  rm -r "$root"
}

# ascend_stub HOME: the header, and the library made of it.
ascend_stub() {
  local home=$1
  mkdir -p "$home"/{include/acl,lib64,opp}
  cat >"$home/include/acl/acl_rt.h" <<'HEADER'
/* A stub: names only. Not Huawei's header. */
#include <stdint.h>
typedef int aclError;
aclError aclInit(const char *config);
aclError aclFinalize(void);
aclError aclrtGetDeviceCount(uint32_t *count);
const char *aclrtGetSocName(void);
HEADER
  gcc -shared -fPIC -I "$home/include" -Wl,-soname,libascendcl.so -o "$home/lib64/libascendcl.so" -x c - <<'SOURCE' ||
#include "acl/acl_rt.h"
aclError aclInit(const char *config) { (void)config; return 0; }
aclError aclFinalize(void) { return 0; }
aclError aclrtGetDeviceCount(uint32_t *count) { *count = 0; return 0; }
const char *aclrtGetSocName(void) { return "stub"; }
SOURCE
    die "the stub of Huawei's library does not compile"
}
