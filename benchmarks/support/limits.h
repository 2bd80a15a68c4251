// What this machine's memory could do, measured in the run that is compared with it.
#pragma once

#include <cstdint>

namespace floe::bench {

// to[i] = from[i] on all threads, with stores that do not read the destination first: the fastest copy there is for
// what no cache holds. Both aligned to 64 bytes.
void copy_past_caches(const float* from, float* to, std::int64_t size);

// Bytes read and written in a second by such copies of 64 MiB.
double copy_bandwidth();

}  // namespace floe::bench
