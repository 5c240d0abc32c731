# CMake's build of the engine and the normalisers, shared by all who need it: the unit tests and the count of instructions.
# Source this file from bash, at the top of the checkout.
#
#   cmake_build unit_tests           builds a target in build/, prints what went wrong
#
# The build type and the sanitizers are set, whatever build/ was made for before: they decide what instructions are counted.
cmake_build() {
  local launcher=
  if command -v ccache >/dev/null; then launcher=ccache; fi
  mkdir -p build
  {
    flock build cmake -S . -B build -DCMAKE_BUILD_TYPE=RelWithDebInfo -DIDENTITY_RESOLVE_SANITIZE= -DIDENTITY_RESOLVE_FUZZ=OFF \
      -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher" \
      -DPG_CONFIG="${PG_CONFIG:-pg_config}" &&
      flock build cmake --build build --target "$1" -j"${2:-$(nproc)}"
  } >"build/$1.log" 2>&1 || {
    cat "build/$1.log"
    return 1
  }
}
