// Normalisation of (outer, reduced, groups, within): statistics, the scaling, and its gradient.
#include <type_traits>

#include <floe/backend/cuda/columns.h>
#include <floe/backend/formulas.h>
#include <floe/backend/statistics.h>

namespace floe::cuda {
namespace {

// What lies where: elements of a statistic are counted through reduced and within.
struct Places {
  explicit Places(const NormalizationGeometry& g)
      : outer(g.outer), groups(g.groups), columns(g.columns()), reduced(g.reduced), within(g.within) {}

  Folded by_statistic() const { return {outer, reduced.number * within.number, groups}; }
  Folded by_column() const { return {1, outer * reduced.number, columns}; }

  // The row of x and the column of an element of (outer, group).
  __device__ void find(std::int64_t part, std::int64_t element, std::int64_t group, std::int64_t& row,
                       std::int64_t& column) const {
    std::int64_t below = within.number == 1 ? element : within.divide(element);
    row = part * reduced.number + below;
    column = group * within.number + element - below * within.number;
  }
  // The statistic of an element of x.
  __device__ std::int64_t statistic(std::int64_t row, std::int64_t column) const {
    return (outer == 1 ? 0 : reduced.divide(row) * groups) + (within.number == 1 ? column : within.divide(column));
  }

  std::int64_t outer, groups, columns;
  Divisor reduced, within;
};

// --- Sums ------------------------------------------------------------------------------------------------------------

// A number of each statistic: means, or the first elements of x that are taken for them.
template <class S>
struct Centres {
  __device__ double operator()(std::int64_t outer, std::int64_t group) const {
    return static_cast<double>(values[outer * outer_step + group * group_step]);
  }
  const S* values;
  std::int64_t outer_step, group_step;
};

// Sums of deviations from the centre of each statistic, and of their squares, in double.
template <class S>
struct Deviations {
  __device__ Sums operator()(std::int64_t outer, std::int64_t element, std::int64_t group) const {
    std::int64_t row, column;
    places.find(outer, element, group, row, column);
    double away = static_cast<double>(in[row * places.columns + column]) - centre(outer, group);
    return {away, away * away};
  }
  Places places;
  const S* in;
  Centres<S> centre;
};

// What follows from mean and variance where nothing else is to be seen of it; without arrays, nothing.
template <class S>
struct Following {
  __device__ void operator()(std::int64_t at, S mean, S variance) const {
    if (inverse_stddev) inverse_stddev[at] = formulas::Rsqrt::value(variance + epsilon);
    if (!moving_mean) return;
    mix(moving_mean[at], mean);
    mix(moving_variance[at], variance);
  }
  // Each product rounded, as the ops do.
  __device__ void mix(S& average, S fresh) const {
    if constexpr (std::is_same_v<S, float>)
      average = __fadd_rn(__fmul_rn(average, keep), __fmul_rn(fresh, rest));
    else
      average = __dadd_rn(__dmul_rn(average, keep), __dmul_rn(fresh, rest));
  }
  S *inverse_stddev = nullptr, *moving_mean = nullptr, *moving_variance = nullptr;
  S epsilon = 0, keep = 0, rest = 0;
};

template <class S>
struct StoreMoments {
  __device__ void operator()(std::int64_t outer, std::int64_t, std::int64_t group, const Sums& sums) const {
    double off = sums.first / size, squares = sums.second - off * sums.first;
    std::int64_t at = outer * groups + group;
    double middle = centre(outer, group);  // before it is written over
    mean[at] = static_cast<S>(middle + off);
    variance[at] = static_cast<S>(squares > 0 || squares != squares ? squares / size : 0);
    following(at, mean[at], variance[at]);
  }
  Centres<S> centre;
  S *mean, *variance;
  std::int64_t groups;
  double size;
  Following<S> following;
};

// Down a column: dy and dy * (x - mean), times inverse_stddev where that differs from row to row.
template <class S>
struct ColumnSlopes {
  __device__ Sums operator()(std::int64_t, std::int64_t row, std::int64_t column) const {
    std::int64_t at = row * places.columns + column, statistic = places.statistic(row, column);
    double slope = slopes[at], away = static_cast<double>(in[at]) - static_cast<double>(mean[statistic]);
    return {slope, slope * (places.outer == 1 ? away : away * static_cast<double>(inverse[statistic]))};
  }
  Places places;
  const S *slopes, *in, *mean, *inverse;
};

template <class S>
struct StoreColumnSlopes {
  __device__ void operator()(std::int64_t, std::int64_t, std::int64_t column, const Sums& sums) const {
    dbeta[column] = static_cast<S>(sums.first);
    dgamma[column] = static_cast<S>(sums.second);
    if (places.outer == 1) dgamma[column] *= inverse[places.statistic(0, column)];
  }
  Places places;
  S *dgamma, *dbeta;
  const S* inverse;
};

// Over a statistic: gamma * dy and gamma * dy * (x - mean); where it has one gamma, without that, as then the gradient
// of a single element is exactly 0.
template <class S>
struct StatisticSlopes {
  __device__ Sums operator()(std::int64_t outer, std::int64_t element, std::int64_t group) const {
    std::int64_t row, column;
    places.find(outer, element, group, row, column);
    std::int64_t at = row * places.columns + column;
    double slope = slopes[at];
    if (places.within.number > 1) slope *= static_cast<double>(gamma[column]);
    return {slope, slope * (static_cast<double>(in[at]) - static_cast<double>(mean[outer * places.groups + group]))};
  }
  Places places;
  const S *slopes, *in, *mean, *gamma;
};

// What is the same for all elements of a statistic in the slopes below.
template <class S>
struct StoreStatisticSlopes {
  __device__ void operator()(std::int64_t outer, std::int64_t, std::int64_t group, const Sums& sums) const {
    std::int64_t at = outer * groups + group;
    double scale = inverse[at];
    shift[at] = static_cast<S>(sums.first / size);
    tilt[at] = static_cast<S>(scale * scale * sums.second / size);
  }
  S *shift, *tilt;
  const S* inverse;
  std::int64_t groups;
  double size;
};

// The same if every column is a statistic, from dgamma and dbeta.
template <class S>
__global__ void fold_kernel(std::int64_t columns, S rows, const S* inverse, const S* dgamma, const S* dbeta, S* shift,
                            S* tilt) {
  for (std::int64_t c = thread_index(); c < columns; c += thread_count()) {
    shift[c] = dbeta[c] / rows;
    tilt[c] = inverse[c] * dgamma[c] / rows;
  }
}

// --- Elements --------------------------------------------------------------------------------------------------------

// y = formula(an element of each matrix, numbers of its statistic, numbers of its column), 16 bytes at once if `wide`,
// the elements of a step, are as many. These have either one statistic or one each.
template <int wide, class S, int matrices, int statistics, int parameters, class Formula>
__global__ void elements_kernel(std::int64_t steps, Places places, Divisor row_steps, Formula formula,
                                Arrays<const S, matrices> in, Arrays<const S, statistics> by_statistic,
                                Arrays<const S, parameters> by_column, S* out) {
  struct alignas(wide * sizeof(S)) Step {
    S values[wide];
  };
  auto load = [](const S* from, std::int64_t i) { return in_steps<Step>(from)[i]; };
  for (std::int64_t i = thread_index(); i < steps; i += thread_count()) {
    std::int64_t row = row_steps.divide(i), column = i - row * row_steps.number;
    std::int64_t statistic = places.statistic(row, column * wide);
    Step x[matrices], s[statistics], p[parameters], y;
    for (int k = 0; k < matrices; ++k) x[k] = load(in.data[k], i);
    for (int k = 0; k < parameters; ++k) p[k] = load(by_column.data[k], column);
    for (int k = 0; k < statistics; ++k) {
      if (places.within.number == 1) {
        s[k] = load(by_statistic.data[k], statistic / wide);
      } else {
        for (int lane = 0; lane < wide; ++lane) s[k].values[lane] = by_statistic.data[k][statistic];
      }
    }
    for (int lane = 0; lane < wide; ++lane) {
      S values[matrices], of_statistic[statistics], of_column[parameters];
      for (int k = 0; k < matrices; ++k) values[k] = x[k].values[lane];
      for (int k = 0; k < statistics; ++k) of_statistic[k] = s[k].values[lane];
      for (int k = 0; k < parameters; ++k) of_column[k] = p[k].values[lane];
      y.values[lane] = formula(values, of_statistic, of_column);
    }
    in_steps<Step>(out)[i] = y;
  }
}

template <class S, int matrices, int statistics, int parameters, class Formula>
void map_elements(const Context& on, const NormalizationGeometry& g, const Formula& formula,
                  const Arrays<const S, matrices>& in, const Arrays<const S, statistics>& by_statistic,
                  const Arrays<const S, parameters>& by_column, S* out) {
  constexpr int wide = Pack<S>::size;
  const std::int64_t columns = g.columns(), size = g.outer * g.reduced * columns;
  const bool alike = g.within == 1 ? columns % wide == 0 : g.within % wide == 0;
  if (alike && aligned(out) && in.all_aligned() && by_statistic.all_aligned() && by_column.all_aligned())
    launch(on, elements_kernel<wide, S, matrices, statistics, parameters, Formula>, blocks_for(on, size / wide),
           size / wide, Places(g), Divisor(columns / wide), formula, in, by_statistic, by_column, out);
  else
    launch(on, elements_kernel<1, S, matrices, statistics, parameters, Formula>, blocks_for(on, size), size, Places(g),
           Divisor(columns), formula, in, by_statistic, by_column, out);
}

struct Scaled {
  template <class S>
  __device__ S operator()(const S (&x)[1], const S (&of)[2], const S (&by)[2]) const {
    return (x[0] - of[0]) * (by[0] * of[1]) + by[1];  // mean, inverse_stddev; gamma, beta
  }
};

// Of a mean, an inverse_stddev, a shift and a tilt, and a gamma that belongs to the statistic or to the element.
struct ColumnSlope {
  template <class S>
  __device__ S operator()(const S (&x)[2], const S (&of)[4], const S (&by)[1]) const {
    return by[0] * of[1] * (x[0] - of[2] - (x[1] - of[0]) * of[3]);
  }
};
struct ElementSlope {
  template <class S>
  __device__ S operator()(const S (&x)[2], const S (&of)[4], const S (&by)[1]) const {
    return of[1] * (by[0] * x[0] - of[2] - (x[1] - of[0]) * of[3]);
  }
};

// In one pass around the first element of each statistic, so that the sums keep their digits; double goes over the data
// once more, around the mean, as it has no wider type to gather in.
template <class S>
void take_moments(const Tensor& x, const NormalizationGeometry& g, Tensor& mean, Tensor& variance,
                  const Following<S>& following) {
  const Context& on = context(x.device());
  Places places(g);
  const S* in = data<S>(x);
  S *means = mutable_data<S>(mean), *variances = mutable_data<S>(variance);
  auto around = [&](const Centres<S>& centre, const Following<S>& then) {
    reduce_columns(on, places.by_statistic(), Sums{0, 0}, Plus{}, Deviations<S>{places, in, centre},
                   StoreMoments<S>{centre, means, variances, g.groups, static_cast<double>(g.size()), then});
  };
  const Centres<S> first{in, g.reduced * g.columns(), g.within};
  if (std::is_same_v<S, float>) return around(first, following);
  around(first, {});
  around({means, g.groups, 1}, following);
}

}  // namespace

void moments(const Tensor& x, const NormalizationGeometry& g, Tensor& mean, Tensor& variance) {
  dispatch_floating(x.dtype(), [&]<class S>() { take_moments<S>(x, g, mean, variance, {}); });
}

// In the launch that joins the sums.
void statistics(const Tensor& x, const NormalizationGeometry& g, double epsilon, Tensor& mean, Tensor& variance,
                Tensor& inverse_stddev, const MovingStatistics* moving) {
  dispatch_floating(x.dtype(), [&]<class S>() {
    Following<S> following{.inverse_stddev = mutable_data<S>(inverse_stddev), .epsilon = static_cast<S>(epsilon)};
    if (moving) {
      following.moving_mean = mutable_data<S>(moving->mean),
      following.moving_variance = mutable_data<S>(moving->variance);
      following.keep = static_cast<S>(moving->keep), following.rest = static_cast<S>(1 - moving->keep);
    }
    take_moments<S>(x, g, mean, variance, following);
  });
}

void normalize(const Tensor& x, const NormalizationGeometry& g, const Tensor& mean, const Tensor& inverse_stddev,
               const Tensor& gamma, const Tensor& beta, Tensor& y) {
  const Context& on = context(x.device());
  dispatch_floating(x.dtype(), [&]<class S>() {
    map_elements<S, 1, 2, 2>(on, g, Scaled{}, {{data<S>(x)}}, {{data<S>(mean), data<S>(inverse_stddev)}},
                             {{data<S>(gamma), data<S>(beta)}}, mutable_data<S>(y));
  });
}

// The formulas of the CPU's. If every column is a statistic, its sums follow from dgamma and dbeta; else they are
// summed on their own.
void normalize_gradient(const Tensor& dy, const Tensor& x, const NormalizationGeometry& g, const Tensor& mean,
                        const Tensor& inverse_stddev, const Tensor& gamma, Tensor& dx, Tensor& dgamma, Tensor& dbeta) {
  const Context& on = context(x.device());
  dispatch_floating(x.dtype(), [&]<class S>() {
    Places places(g);
    const S *slopes = data<S>(dy), *in = data<S>(x), *means = data<S>(mean), *inverse = data<S>(inverse_stddev),
            *scales = data<S>(gamma);
    S *dgammas = mutable_data<S>(dgamma), *dbetas = mutable_data<S>(dbeta), *out = mutable_data<S>(dx);
    reduce_columns(on, places.by_column(), Sums{0, 0}, Plus{}, ColumnSlopes<S>{places, slopes, in, means, inverse},
                   StoreColumnSlopes<S>{places, dgammas, dbetas, inverse});
    const std::int64_t statistics = g.outer * g.groups;
    Scratch memory(on, static_cast<std::size_t>(2 * statistics) * sizeof(S));
    S *shift = memory.get<S>(), *tilt = shift + statistics;
    if (g.outer == 1 && g.within == 1)
      launch(on, fold_kernel<S>, blocks_for(on, statistics), statistics, static_cast<S>(g.reduced), inverse, dgammas,
             dbetas, shift, tilt);
    else
      reduce_columns(on, places.by_statistic(), Sums{0, 0}, Plus{},
                     StatisticSlopes<S>{places, slopes, in, means, scales},
                     StoreStatisticSlopes<S>{shift, tilt, inverse, g.groups, static_cast<double>(g.size())});
    auto map = [&](auto formula) {
      map_elements<S, 2, 4, 1>(on, g, formula, {{slopes, in}}, {{means, inverse, shift, tilt}}, {{scales}}, out);
    };
    if (g.within == 1)
      map(ColumnSlope{});
    else
      map(ElementSlope{});
  });
}

}  // namespace floe::cuda
