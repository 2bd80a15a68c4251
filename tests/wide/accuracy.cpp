// How far the pointwise functions of a processor are from the truth, in units of a float's last place: over all floats
// where a function is neither the identity nor done, or with --all over all 2^32. Takes the names of functions to try
// them alone. Ends with 1 if one is beyond its bound.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string_view>
#include <type_traits>
#include <vector>

#include <floe/backend/cpu/packet.h>  // first: a formula finds only the math that stands before it

#include <floe/backend/formulas.h>
#include <wide/reference.h>

namespace floe {
namespace {

using namespace formulas;

#if defined(__FMA__)
constexpr bool fused = true;
#else
constexpr bool fused = false;
#endif

constexpr std::uint32_t block = 4096, exponents = 256, mantissas = 1u << 23;
constexpr float most = std::numeric_limits<float>::max();

struct Function {
  const char* name;
  void (*kernel)(const float* x, float* y);  // of a block
  reference::Function truth;
  double bound, bound_without_fma;
  float low, high;          // beyond which nothing more happens
  float small;              // nearer to 0 than that it is the identity, or nearly constant
  std::uint32_t every = 1;  // of so many floats one, unless all are asked for: a power of two
};

template <class Formula>
Formula make() {
  if constexpr (std::is_empty_v<Formula>)
    return {};
  else
    return {1};
}

template <class F>
void over_block(const float* x, float* y, F f) {
  using Floats = cpu::Packet<float>;
  for (std::uint32_t i = 0; i < block; i += Floats::size) Floats(f(Floats::load(x + i))).store(y + i);
}

template <class Formula>
void value(const float* x, float* y) {
  over_block(x, y, [](auto v) { return make<Formula>().value(v); });
}

template <class Formula>
void slope(const float* x, float* y) {
  static_assert(Formula::reads == Reads::x);
  over_block(x, y, [](auto v) { return make<Formula>().slope(v, v); });
}

const Function functions[] = {
    {"exp", value<Exp>, reference::exp, 1.5, 1.5, -104.5f, 89, 0x1p-25f, 8},
    {"expm1", value<Expm1>, reference::expm1, 2, 3, -18, 89, 0x1p-25f},
    {"log", value<Log>, reference::log, 1.5, 2, 0, most, 0, 64},
    {"log1p", value<Log1p>, reference::log1p, 2, 2, -1, most, 0x1p-25f, 64},
    {"sqrt", value<Sqrt>, reference::sqrt, 0.501, 0.501, 0, most, 0, 64},
    {"rsqrt", value<Rsqrt>, reference::rsqrt, 1.501, 1.501, 0, most, 0, 64},
    {"sin", value<Sin>, reference::sin, 2, 3, -most, most, 0x1p-13f, 64},
    {"cos", value<Cos>, reference::cos, 2, 3, -most, most, 0x1p-13f, 64},
    {"tanh", value<Tanh>, reference::tanh, 2, 3, -10, 10, 0x1p-13f},
    {"tanh'", slope<Tanh>, reference::tanh_slope, 4, 4, -53, 53, 0x1p-13f, 8},
    {"sigmoid", value<Sigmoid>, reference::sigmoid, 2, 3, -104.5f, 18, 0x1p-25f},
    {"sigmoid'", slope<Sigmoid>, reference::sigmoid_slope, 4, 4, -104.5f, 104.5f, 0x1p-13f, 8},
    {"elu", value<Elu>, reference::elu, 2, 3, -18, 1, 0x1p-25f, 8},
    {"elu'", slope<Elu>, reference::elu_slope, 1.5, 1.5, -104.5f, 1, 0x1p-25f, 8},
    {"softplus", value<Softplus>, reference::softplus, 2.5, 2.5, -104.5f, 18, 0x1p-25f, 8},
    {"erf", value<Erf>, reference::erf, 1, 1, -4, 4, 0x1p-13f, 8},
    {"erf'", slope<Erf>, reference::erf_slope, 3, 3, -11, 11, 0x1p-13f, 8},
    {"normal_cdf", value<NormalCdf>, reference::normal_cdf, 4, 16, -14.5f, 6, 0x1p-25f, 8},
    {"gelu", value<Gelu>, reference::gelu, 4, 16, -14.5f, 6, 0x1p-25f},
};

// Infinity counts as the number that would follow the largest.
double distance(float y, double truth) {
  auto clamp = [](double x, double low, double high) { return x < low ? low : x > high ? high : x; };
  const double limit = 0x1p128, found = clamp(static_cast<double>(y), -limit, limit);
  const double power = std::bit_cast<double>(std::bit_cast<std::uint64_t>(truth) & 0x7ff0'0000'0000'0000u);
  const double place = clamp(power * 0x1p-23, 0x1p-149, 0x1p104);
  return std::abs(found - clamp(truth, -limit, limit)) / place;
}

struct Worst {
  // The farther one, and NaN before all.
  void take(double distance, float x) {
    if (distance <= off || std::isnan(off)) return;
    off = distance, where = x;
  }
  double off = 0;
  float where = 0;
};

// Of a block of floats whose bits begin with these.
class Sweep {
 public:
  Sweep(const Function& function, bool all) : function_(function), all_(all), every_(all ? 1 : function.every) {}

  void take(std::uint32_t first) {
    bool inside = all_;
    for (std::uint32_t i = 0; i < block; ++i) {
      x_[i] = std::bit_cast<float>(first + i * every_ + i % every_);
      inside |= x_[i] >= function_.low && x_[i] <= function_.high && std::abs(x_[i]) >= function_.small;
    }
    if (!inside) return;
    for (std::uint32_t i = 0; i < block; ++i) wide_[i] = static_cast<double>(x_[i]);
    function_.kernel(x_, y_);
    function_.truth(block, wide_, truth_);
    for (std::uint32_t i = 0; i < block; ++i) off_[i] = distance(y_[i], truth_[i]);
    for (std::uint32_t i = 0; i < block; ++i) {
      if (off_[i] > worst.off)
        worst.take(off_[i], x_[i]);
      else if (std::isnan(truth_[i]) != std::isnan(y_[i]))
        worst.take(std::nan(""), x_[i]);
    }
  }

  std::uint32_t step() const { return block * every_; }

  Worst worst;

 private:
  const Function& function_;
  const bool all_;
  const std::uint32_t every_;
  alignas(64) float x_[block], y_[block];
  alignas(64) double wide_[block], truth_[block], off_[block];
};

// NaN gives NaN, whatever its bits.
void take_nans(const Function& function, Worst& worst) {
  alignas(64) float x[block], y[block];
  for (std::uint32_t sign : {0u, 0x8000'0000u}) {
    for (std::uint32_t first = 0x7f80'0001u; first < 0x8000'0000u - block; first += block) {
      for (std::uint32_t i = 0; i < block; ++i) x[i] = std::bit_cast<float>(sign | (first + i));
      function.kernel(x, y);
      if (!std::all_of(y, y + block, [](float v) { return std::isnan(v); })) worst.take(std::nan(""), x[0]);
    }
  }
}

Worst swept(const Function& function, bool all) {
  Worst worst;
#pragma omp parallel
  {
    Sweep sweep(function, all);
#pragma omp for schedule(dynamic)
    for (std::uint32_t part = 0; part < 2 * exponents; ++part) {
      if (part % exponents == exponents - 1) continue;  // infinities and NaN
      for (std::uint32_t i = 0; i < mantissas; i += sweep.step()) sweep.take(part * mantissas + i);
    }
#pragma omp critical
    worst.take(sweep.worst.off, sweep.worst.where);
  }
  if (all) take_nans(function, worst);
  return worst;
}

int run(int count, char** arguments) {
  bool all = false;
  std::vector<std::string_view> names;
  for (int i = 1; i < count; ++i) {
    if (std::string_view(arguments[i]) == "--all")
      all = true;
    else
      names.push_back(arguments[i]);
  }
  int beyond = 0;
  for (const Function& function : functions) {
    if (!names.empty() && std::find(names.begin(), names.end(), function.name) == names.end()) continue;
    const Worst worst = swept(function, all);
    const double bound = fused ? function.bound : function.bound_without_fma;
    const bool good = worst.off <= bound;
    std::printf("%-10s %8.3f of %5.3f, at %.9g%s\n", function.name, worst.off, bound, static_cast<double>(worst.where),
                good ? "" : "  BEYOND");
    std::fflush(stdout);
    beyond += !good;
  }
  return beyond > 0;
}

bool runs_here() {
#if defined(__AVX512F__)
  return __builtin_cpu_supports("avx512f");
#elif defined(__FMA__)
  return __builtin_cpu_supports("fma");
#else
  return true;
#endif
}

}  // namespace
}  // namespace floe

int main(int count, char** arguments) {
  if (floe::runs_here()) return floe::run(count, arguments);
  std::puts("left out: this processor has not the instructions");
  return 0;
}
