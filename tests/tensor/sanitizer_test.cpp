// Planted faults: in a sanitizer build the allocator must not hide them.
#include <gtest/gtest.h>

#include <floe/tensor/tensor.h>

namespace {

#if defined(__SANITIZE_ADDRESS__)

TEST(SanitizerDeathTest, SeesAnOverflowByOneFloat) {
  floe::Tensor x({3});
  volatile float* elements = x.mutable_data<float>();
  EXPECT_DEATH(elements[3] = 1, "heap-buffer-overflow");
}

TEST(SanitizerDeathTest, SeesAUseAfterRelease) {
  volatile float* elements;
  {
    floe::Tensor x({3});
    elements = x.mutable_data<float>();
  }
  EXPECT_DEATH(elements[0] = 1, "heap-use-after-free");
}

#else

TEST(SanitizerDeathTest, NeedsASanitizerBuild) { GTEST_SKIP() << "faults are planted in the sanitize preset only"; }

#endif

}  // namespace
