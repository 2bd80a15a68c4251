// Normalisation of (outer, reduced, groups, within): statistics, the scaling, and its gradient.
//
// An outer part of x is a slab, a matrix (reduced, columns). Slabs are walked down their columns, whose results are
// then joined to those of their groups; but if a slab is a single row, along the rows of its groups.
#include <floe/backend/cpu/columns.h>

namespace floe::cpu {
namespace {

bool along_rows(const NormalizationGeometry& g) { return g.reduced == 1 && g.within > 1; }

// --- Down the columns of slabs ---------------------------------------------------------------------------------------

struct Slabs {
  explicit Slabs(const NormalizationGeometry& g) : outer(g.outer), tiling(g.reduced, g.columns()) {}

  // body(begin, end) for parts of all slabs, numbered consecutively.
  template <class Body>
  void parts(Body body) const {
    parallel_ranges(outer * tiling.parts(), tiling.parts_per_thread(), body);
  }
  std::int64_t slab(std::int64_t index) const { return index / tiling.parts(); }
  std::int64_t offset(std::int64_t index) const { return slab(index) * tiling.rows * tiling.columns; }
  ColumnTiling::Part part(std::int64_t index) const { return tiling.part(index % tiling.parts()); }
  // Where the results of a part of some rows are: (outer, row parts, columns).
  std::int64_t slot(std::int64_t index) const {
    return (slab(index) * tiling.row_parts + part(index).row_part) * tiling.columns + part(index).column;
  }
  std::int64_t slots() const { return outer * tiling.row_parts * tiling.columns; }

  std::int64_t outer;
  ColumnTiling tiling;  // of each slab
};

// body(column, at) for the columns of a slab, where `at` is their statistic.
template <class Body>
void for_columns(const NormalizationGeometry& g, std::int64_t slab, Body body) {
  std::int64_t column = 0;
  for (std::int64_t at = slab * g.groups; at < (slab + 1) * g.groups; ++at) {
    for (std::int64_t end = column + g.within; column < end; ++column) body(column, at);
  }
}

// What belongs to a column, laid out as the lines of a slab need it, for the slab that was requested last.
template <class S, std::size_t count>
class Tiles {
 public:
  using Rows = std::array<S*, count>;

  // fill(slab, rows) writes one value of each kind for each column.
  template <class Fill>
  void prepare(const ColumnTiling& tiling, std::int64_t slab, const Fill& fill) {
    if (slab == slab_) return;
    slab_ = slab;
    Rows rows;
    for (std::size_t i = 0; i < count; ++i) {
      tiles_[i].resize(tiling.fold * tiling.columns);
      rows[i] = tiles_[i].data();
    }
    fill(slab, rows);
    for (S* row : rows) tiling.repeat(row, tiling.columns);
  }

  const std::array<std::vector<S>, count>& operator*() const { return tiles_; }

 private:
  std::int64_t slab_ = -1;
  std::array<std::vector<S>, count> tiles_;
};

// body(index, tiles) for the parts of all slabs; those of a single slab share their tiles.
template <class S, std::size_t count, class Fill, class Body>
void for_tiled_parts(const Slabs& slabs, const Fill& fill, Body body) {
  Tiles<S, count> shared;
  if (slabs.outer == 1) shared.prepare(slabs.tiling, 0, fill);
  slabs.parts([&](std::int64_t begin, std::int64_t end) {
    Tiles<S, count> own;
    for (std::int64_t i = begin; i < end; ++i) {
      if (slabs.outer > 1) own.prepare(slabs.tiling, slabs.slab(i), fill);
      body(i, slabs.outer > 1 ? *own : *shared);
    }
    finish_streams();
  });
}

// y = formula(matrices..., a value of each kind for the column).
template <class S, std::size_t count, class Fill, class Formula, class... In>
void map_columns(const Slabs& slabs, const Fill& fill, Formula formula, S* y, const In*... x) {
  const ColumnTiling& tiling = slabs.tiling;
  std::int64_t elements = slabs.outer * tiling.rows * tiling.columns;
  bool stream = worth_streaming(y, elements * static_cast<std::int64_t>(sizeof(S))) && tiling.columns % 16 == 0;
  for_tiled_parts<S, count>(slabs, fill, [&](std::int64_t index, const std::array<std::vector<S>, count>& tiles) {
    ColumnTiling::Part part = slabs.part(index);
    tiling.lines(part, [&](std::int64_t offset, std::int64_t length) {
      offset += slabs.offset(index);
      auto line = [&](auto&... tile) {
        lane_row<S>(stream, length, formula, y + offset, x + offset..., tile.data() + part.column...);
      };
      std::apply(line, tiles);
    });
  });
}

// The mean of each column of a part, and the sum of squares around it: the deviations from the mean of its first rows,
// in one pass, corrected for what that mean was off; if it was far off, once more from the better mean.
template <class S>
class PartMoments {
 public:
  explicit PartMoments(const ColumnTiling& tiling)
      : tiling_(tiling), sums_(tiling.lanes()), squares_(tiling.lanes()), centre_(tiling.lanes()) {}

  void take(const ColumnTiling::Part& part, const S* in, double* means, double* squares) {
    const double rows = static_cast<double>(part.rows);
    const std::int64_t first_rows = std::min(part.rows, cuts::first_rows);
    deviate(part, in, [&](std::int64_t c) {
      double total = 0;
      for (std::int64_t row = 0; row < first_rows; ++row)
        total += in[(part.row + row) * tiling_.columns + part.column + c];
      return total / static_cast<double>(first_rows);
    });
    auto was_off = [&](std::int64_t c) { return sums_[c] / rows; };
    auto rest_of = [&](std::int64_t c) { return squares_[c] - was_off(c) * sums_[c]; };
    bool by_much = false;
    for (std::int64_t c = 0; c < part.columns; ++c) by_much |= was_off(c) * sums_[c] > 2 * rest_of(c);
    if (by_much) deviate(part, in, [&](std::int64_t c) { return centre_[c] + was_off(c); });
    for (std::int64_t c = 0; c < part.columns; ++c) {
      means[c] = centre_[c] + was_off(c);
      squares[c] = rest_of(c);
    }
  }

 private:
  template <class Middle>
  void deviate(const ColumnTiling::Part& part, const S* in, Middle middle) {
    for (std::int64_t c = 0; c < part.columns; ++c) centre_[c] = static_cast<S>(middle(c));
    tiling_.repeat(centre_.data(), part.columns);
    auto deviation = [](auto value, auto middle) { return value - middle; };
    auto square = [](auto value, auto middle) { return (value - middle) * (value - middle); };
    std::tuple both{Reduced{sums_.data(), deviation}, Reduced{squares_.data(), square}};
    reduce_part(tiling_, part, S(0), sum, both, in, PerLane<S>{centre_.data()});
  }

  const ColumnTiling& tiling_;
  std::vector<S> sums_, squares_, centre_;
};

// The statistics, from means and sums of squares of parts of `part_rows` rows, (outer, parts, columns), which are used
// up. Parts are joined in order by Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing
// sample variances", 1979, and then the columns of a group.
template <class S>
void join_moments(const NormalizationGeometry& g, std::int64_t part_rows, std::vector<double>& part_means,
                  std::vector<double>& part_squares, S* means, S* variances) {
  const std::int64_t row_parts = (g.reduced + part_rows - 1) / part_rows, columns = g.columns();
  std::vector<double> before(row_parts), shares(row_parts);  // a part's share of all rows down to its end
  for (std::int64_t part = 1; part < row_parts; ++part) {
    std::int64_t first = part * part_rows, last = std::min(g.reduced, first + part_rows);
    before[part] = static_cast<double>(first);
    shares[part] = static_cast<double>(last - first) / static_cast<double>(last);
  }
  const double rows = static_cast<double>(g.reduced), within = static_cast<double>(g.within);
  parallel_ranges(g.outer * g.groups, rows_per_part(row_parts * g.within), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      std::int64_t first = i / g.groups * row_parts * columns + i % g.groups * g.within;
      double *mean_of = part_means.data() + first, *squares_of = part_squares.data() + first, total = 0;
      for (std::int64_t c = 0; c < g.within; ++c) {
        for (std::int64_t part = 1; part < row_parts; ++part) {
          double distance = mean_of[part * columns + c] - mean_of[c];
          squares_of[c] += squares_of[part * columns + c] + distance * distance * before[part] * shares[part];
          mean_of[c] += distance * shares[part];
        }
        total += mean_of[c];
      }
      double mean = total / within, squares = 0;
      for (std::int64_t c = 0; c < g.within; ++c)
        squares += squares_of[c] + rows * (mean_of[c] - mean) * (mean_of[c] - mean);
      means[i] = static_cast<S>(mean);
      variances[i] = static_cast<S>(std::max(squares, 0.0) / (rows * within));
    }
  });
}

template <class S>
void moments_down_columns(const NormalizationGeometry& g, const S* in, S* means, S* variances) {
  Slabs slabs(g);
  std::vector<double> part_means(slabs.slots()), part_squares(slabs.slots());
  slabs.parts([&](std::int64_t begin, std::int64_t end) {
    PartMoments<S> moments(slabs.tiling);
    for (std::int64_t i = begin; i < end; ++i) {
      std::int64_t slot = slabs.slot(i);
      moments.take(slabs.part(i), in + slabs.offset(i), part_means.data() + slot, part_squares.data() + slot);
    }
  });
  join_moments(g, slabs.tiling.part_rows, part_means, part_squares, means, variances);
}

// Sums of dy and of dy * (x - mean) for each column of each slab, (outer, columns).
template <class S>
struct SlopeSums {
  std::vector<S> betas, gammas;
};

template <class S>
SlopeSums<S> slope_sums(const Slabs& slabs, const NormalizationGeometry& g, const S* slopes, const S* in,
                        const S* means) {
  const ColumnTiling& tiling = slabs.tiling;
  SlopeSums<S> parts{std::vector<S>(slabs.slots()), std::vector<S>(slabs.slots())};
  auto centres = [&](std::int64_t slab, std::array<S*, 1> rows) {
    for_columns(g, slab, [&](std::int64_t c, std::int64_t at) { rows[0][c] = means[at]; });
  };
  for_tiled_parts<S, 1>(slabs, centres, [&](std::int64_t index, const std::array<std::vector<S>, 1>& tiles) {
    std::vector<S> beta(tiling.lanes()), gamma(tiling.lanes());
    auto beta_term = [](auto slope, auto, auto) { return slope; };
    auto gamma_term = [](auto slope, auto value, auto middle) { return slope * (value - middle); };
    std::tuple both{Reduced{beta.data(), beta_term}, Reduced{gamma.data(), gamma_term}};
    ColumnTiling::Part part = slabs.part(index);
    reduce_part(tiling, part, S(0), sum, both, slopes + slabs.offset(index), in + slabs.offset(index),
                PerLane<S>{tiles[0].data() + part.column});
    std::copy_n(beta.data(), part.columns, parts.betas.data() + slabs.slot(index));
    std::copy_n(gamma.data(), part.columns, parts.gammas.data() + slabs.slot(index));
  });
  if (tiling.row_parts == 1) return parts;
  std::int64_t slots = slabs.outer * tiling.columns;
  SlopeSums<S> sums{std::vector<S>(slots), std::vector<S>(slots)};
  for (std::int64_t slab = 0; slab < slabs.outer; ++slab) {
    std::int64_t from = slab * tiling.row_parts * tiling.columns, to = slab * tiling.columns;
    join_parts<double>(parts.betas.data() + from, tiling.row_parts, tiling.columns, sum, sums.betas.data() + to);
    join_parts<double>(parts.gammas.data() + from, tiling.row_parts, tiling.columns, sum, sums.gammas.data() + to);
  }
  return sums;
}

// dgamma and dbeta from the sums of all slabs.
template <class S>
void join_slabs(const NormalizationGeometry& g, const SlopeSums<S>& sums, const S* inverse, S* dgamma, S* dbeta) {
  const std::int64_t columns = g.columns();
  parallel_ranges(g.groups, rows_per_part(g.outer * g.within), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t group = begin; group < end; ++group) {
      for (std::int64_t c = group * g.within; c < (group + 1) * g.within; ++c) {
        double beta = 0, gamma = 0;
        for (std::int64_t slab = 0; slab < g.outer; ++slab) {
          beta += static_cast<double>(sums.betas[slab * columns + c]);
          gamma += static_cast<double>(sums.gammas[slab * columns + c]) *
                   static_cast<double>(inverse[slab * g.groups + group]);
        }
        dbeta[c] = static_cast<S>(beta), dgamma[c] = static_cast<S>(gamma);
      }
    }
  });
}

// What is the same for all elements of a statistic in dx = factor * gamma * dy - shift - (x - mean) * tilt.
template <class S>
struct Fold {
  // From the sums of gamma * dy and of gamma * dy * (x - mean).
  Fold(double betas, double gammas, double inverse, std::int64_t size)
      : factor(static_cast<S>(inverse)),
        shift(static_cast<S>(inverse * betas / static_cast<double>(size))),
        tilt(static_cast<S>(inverse * inverse * inverse * gammas / static_cast<double>(size))) {}
  S factor, shift, tilt;
};

template <class S>
void gradient_down_columns(const NormalizationGeometry& g, const S* slopes, const S* in, const S* means,
                           const S* inverse, const S* gamma, S* dx, S* dgamma, S* dbeta) {
  Slabs slabs(g);
  const std::int64_t columns = g.columns();
  SlopeSums<S> sums = slope_sums(slabs, g, slopes, in, means);
  join_slabs(g, sums, inverse, dgamma, dbeta);

  // A column that is a group has one gamma, which may be factored out.
  if (g.within == 1) {
    auto fill = [&](std::int64_t slab, std::array<S*, 4> rows) {
      for (std::int64_t c = 0; c < columns; ++c) {
        std::int64_t at = slab * columns + c;
        rows[0][c] = means[at];
        rows[1][c] = gamma[c] * inverse[at];
        rows[2][c] = sums.betas[at] / static_cast<S>(g.reduced);
        rows[3][c] = inverse[at] * (sums.gammas[at] * inverse[at]) / static_cast<S>(g.reduced);
      }
    };
    auto formula = [](auto slope, auto value, auto middle, auto factor, auto shift, auto tilt) {
      return factor * (slope - shift - (value - middle) * tilt);
    };
    return map_columns<S, 4>(slabs, fill, formula, dx, slopes, in);
  }
  auto fill = [&](std::int64_t slab, std::array<S*, 4> rows) {
    for (std::int64_t group = 0; group < g.groups; ++group) {
      std::int64_t first = group * g.within, at = slab * g.groups + group;
      double betas = 0, gammas = 0;
      for (std::int64_t c = first; c < first + g.within; ++c) {
        betas += static_cast<double>(gamma[c]) * static_cast<double>(sums.betas[slab * columns + c]);
        gammas += static_cast<double>(gamma[c]) * static_cast<double>(sums.gammas[slab * columns + c]);
      }
      Fold<S> fold(betas, gammas, inverse[at], g.size());
      for (std::int64_t c = first; c < first + g.within; ++c)
        rows[0][c] = means[at], rows[1][c] = gamma[c] * fold.factor, rows[2][c] = fold.shift, rows[3][c] = fold.tilt;
    }
  };
  auto formula = [](auto slope, auto value, auto middle, auto factor, auto shift, auto tilt) {
    return factor * slope - shift - (value - middle) * tilt;
  };
  map_columns<S, 4>(slabs, fill, formula, dx, slopes, in);
}

// --- Along rows ------------------------------------------------------------------------------------------------------

// A row (outer, group) of `within` elements, cut into chunks that the caches keep until a second pass.
struct RowTiling {
  explicit RowTiling(const NormalizationGeometry& g)
      : rows(g.outer * g.groups),
        size(g.within),
        chunk(std::min(size, cuts::longest_chunk)),
        chunks((size + chunk - 1) / chunk) {}

  std::int64_t length(std::int64_t in_row) const { return std::min(chunk, size - in_row * chunk); }

  // body(index, row, first, length) for the chunks of all rows, numbered consecutively; `first` is in the row.
  template <class Body>
  void each(Body body) const {
    parallel_ranges(rows * chunks, rows_per_part(chunk), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) body(i, i / chunks, i % chunks * chunk, length(i % chunks));
      finish_streams();
    });
  }

  std::int64_t rows, size, chunk, chunks;
};

// The sums of term(in[i]...) for each of several terms, in blocks so that long rows lose no digits.
template <class S, class... Terms, class... In>
std::array<double, sizeof...(Terms)> sums_of_row(std::int64_t size, const std::tuple<Terms...>& terms,
                                                 const In*... in) {
  constexpr std::int64_t width = Packet<S>::size, block = cuts::packets_in_block * width;
  std::array<double, sizeof...(Terms)> totals{};
  std::int64_t i = 0;
  while (i + width <= size) {
    std::array<Packet<S>, sizeof...(Terms)> lanes;
    lanes.fill(Packet<S>(0));
    for (std::int64_t end = std::min(size - width, i + block - width); i <= end; i += width) {
      auto add = [&, k = 0](const auto&... term) mutable {
        ((lanes[k] = lanes[k] + term(Packet<S>::load(in + i)...), ++k), ...);
      };
      std::apply(add, terms);
    }
    for (std::size_t k = 0; k < totals.size(); ++k) totals[k] += static_cast<double>(lanes[k].total());
  }
  for (; i < size; ++i) {
    auto add = [&, k = 0](const auto&... term) mutable {
      ((totals[k] += static_cast<double>(term(in[i]...)), ++k), ...);
    };
    std::apply(add, terms);
  }
  return totals;
}

// As down columns, but the centre is the mean of the whole chunk, as the first pass finds it.
template <class S>
void moments_along_rows(const NormalizationGeometry& g, const S* in, S* means, S* variances) {
  RowTiling tiling(g);
  std::vector<double> part_means(tiling.rows * tiling.chunks), part_squares(tiling.rows * tiling.chunks);
  tiling.each([&](std::int64_t index, std::int64_t row, std::int64_t first, std::int64_t length) {
    const S* from = in + row * tiling.size + first;
    const double count = static_cast<double>(length);
    const S centre = static_cast<S>(sums_of_row<S>(length, std::tuple{itself}, from)[0] / count);
    auto deviation = [&](auto value) { return value - centre; };
    auto square = [&](auto value) { return (value - centre) * (value - centre); };
    auto [off, squares] = sums_of_row<S>(length, std::tuple{deviation, square}, from);
    part_means[index] = centre + off / count;
    part_squares[index] = squares - off / count * off;
  });
  join_moments<S>({tiling.rows, tiling.size, 1, 1}, tiling.chunk, part_means, part_squares, means, variances);
}

template <class S>
bool worth_streaming_rows(const NormalizationGeometry& g, const S* y) {
  return worth_streaming(y, g.outer * g.columns() * static_cast<std::int64_t>(sizeof(S))) && g.within % 16 == 0;
}

template <class S>
void normalize_along_rows(const NormalizationGeometry& g, const S* in, const S* means, const S* inverse, const S* gamma,
                          const S* beta, S* y) {
  RowTiling tiling(g);
  const bool stream = worth_streaming_rows(g, y);
  tiling.each([&](std::int64_t, std::int64_t row, std::int64_t first, std::int64_t length) {
    const S mean = means[row], scale = inverse[row];
    auto formula = [&](auto value, auto gamma, auto beta) { return (value - mean) * (gamma * scale) + beta; };
    std::int64_t at = row * tiling.size + first, column = row % g.groups * tiling.size + first;
    lane_row<S>(stream, length, formula, y + at, in + at, gamma + column, beta + column);
  });
}

// The gradient of rows that lie below each other in blocks of columns, a chunk of a group each.
template <class S>
struct RowGradient {
  NormalizationGeometry g;
  const S *slopes, *in, *means, *inverse, *gamma;
  S* dx;
  RowTiling tiling{g};
  bool stream = worth_streaming_rows(g, dx);

  // Sums of gamma * dy and gamma * dy * (x - mean) over a chunk of a row.
  std::array<double, 2> sums(std::int64_t row, std::int64_t first, std::int64_t length) const {
    std::int64_t at = row * tiling.size + first, column = row % g.groups * tiling.size + first;
    auto beta_term = [](auto slope, auto, auto gamma) { return slope * gamma; };
    auto gamma_term = [mean = means[row]](auto slope, auto value, auto gamma) {
      return slope * gamma * (value - mean);
    };
    return sums_of_row<S>(length, std::tuple{beta_term, gamma_term}, slopes + at, in + at, gamma + column);
  }

  // Of long rows beforehand: joined from their chunks, in order.
  std::vector<Fold<S>> folds() const {
    std::vector<std::array<double, 2>> of_chunks(tiling.rows * tiling.chunks);
    tiling.each([&](std::int64_t index, std::int64_t row, std::int64_t first, std::int64_t length) {
      of_chunks[index] = sums(row, first, length);
    });
    std::vector<Fold<S>> all;
    for (std::int64_t row = 0; row < tiling.rows; ++row) {
      double betas = 0, gammas = 0;
      for (std::int64_t i = row * tiling.chunks; i < (row + 1) * tiling.chunks; ++i)
        betas += of_chunks[i][0], gammas += of_chunks[i][1];
      all.emplace_back(betas, gammas, inverse[row], tiling.size);
    }
    return all;
  }

  // dx of a chunk of a row, and its part in dgamma and dbeta.
  void slope(const Fold<S>& fold, std::int64_t row, std::int64_t first, std::int64_t length, S* dgamma,
             S* dbeta) const {
    std::int64_t at = row * tiling.size + first, column = row % g.groups * tiling.size + first;
    const S mean = means[row], scale = inverse[row];
    auto formula = [&](auto slope, auto value, auto gamma) {
      return gamma * fold.factor * slope - fold.shift - (value - mean) * fold.tilt;
    };
    auto add = [&](auto total, auto slope, auto value) { return total + slope * ((value - mean) * scale); };
    lane_row<S>(false, length, add, dgamma, static_cast<const S*>(dgamma), slopes + at, in + at);
    lane_row<S>(false, length, sum, dbeta, static_cast<const S*>(dbeta), slopes + at);
    lane_row<S>(stream, length, formula, dx + at, slopes + at, in + at, gamma + column);
  }
};

// Work is cut into parts of some slabs by one chunk of columns. A row of one chunk is summed just before its slopes are
// taken, while it is in the cache.
template <class S>
void gradient_along_rows(const RowGradient<S>& of, S* dgamma, S* dbeta) {
  const NormalizationGeometry& g = of.g;
  const RowTiling& tiling = of.tiling;
  const std::int64_t columns = g.columns(), blocks = g.groups * tiling.chunks;
  const std::int64_t part_rows = std::min(cuts::lane_rows, rows_per_part(tiling.chunk));
  const std::int64_t row_parts = (g.outer + part_rows - 1) / part_rows;
  const bool whole = tiling.chunks == 1;
  std::vector<Fold<S>> folds;
  if (!whole) folds = of.folds();
  std::vector<S> gammas(row_parts * columns), betas(row_parts * columns);
  const std::int64_t grain = rows_per_part(std::min(g.outer, part_rows) * tiling.chunk);
  parallel_ranges(row_parts * blocks, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      std::int64_t row_part = i / blocks, group = i % blocks / tiling.chunks, first = i % tiling.chunks * tiling.chunk;
      std::int64_t length = tiling.length(i % tiling.chunks), slot = row_part * columns + group * tiling.size + first;
      std::int64_t last = std::min(g.outer, (row_part + 1) * part_rows);
      for (std::int64_t slab = row_part * part_rows; slab < last; ++slab) {
        std::int64_t row = slab * g.groups + group;
        auto fold = [&] {
          auto [beta_sum, gamma_sum] = of.sums(row, first, length);
          return Fold<S>(beta_sum, gamma_sum, of.inverse[row], tiling.size);
        };
        of.slope(whole ? fold() : folds[row], row, first, length, gammas.data() + slot, betas.data() + slot);
      }
    }
    finish_streams();
  });
  join_parts<double>(gammas.data(), row_parts, columns, sum, dgamma);
  join_parts<double>(betas.data(), row_parts, columns, sum, dbeta);
}

}  // namespace

void moments(const Tensor& x, const NormalizationGeometry& g, Tensor& mean, Tensor& variance) {
  dispatch_floating(x.dtype(), [&]<class S>() {
    auto take = along_rows(g) ? moments_along_rows<S> : moments_down_columns<S>;
    take(g, x.data<S>(), mean.mutable_data<S>(), variance.mutable_data<S>());
  });
}

void normalize(const Tensor& x, const NormalizationGeometry& g, const Tensor& mean, const Tensor& inverse_stddev,
               const Tensor& gamma, const Tensor& beta, Tensor& y) {
  dispatch_floating(x.dtype(), [&]<class S>() {
    const S *in = x.data<S>(), *means = mean.data<S>(), *inverse = inverse_stddev.data<S>(), *scales = gamma.data<S>(),
            *shifts = beta.data<S>();
    S* out = y.mutable_data<S>();
    if (along_rows(g)) return normalize_along_rows(g, in, means, inverse, scales, shifts, out);
    auto fill = [&](std::int64_t slab, std::array<S*, 3> rows) {
      for_columns(g, slab, [&](std::int64_t c, std::int64_t at) {
        rows[0][c] = means[at], rows[1][c] = scales[c] * inverse[at], rows[2][c] = shifts[c];
      });
    };
    auto formula = [](auto value, auto mean, auto scale, auto shift) { return (value - mean) * scale + shift; };
    map_columns<S, 3>(Slabs(g), fill, formula, out, in);
  });
}

// With xhat = (x - mean) * inverse_stddev and slope = gamma * dy: dbeta = sum(dy) and dgamma = sum(dy * xhat) over
// outer and reduced, and dx = inverse_stddev * (slope - mean(slope) - xhat * mean(slope * xhat)) with means as of x.
// Ioffe and Szegedy, ICML 2015; Ba, Kiros and Hinton, "Layer normalization", 2016.
void normalize_gradient(const Tensor& dy, const Tensor& x, const NormalizationGeometry& g, const Tensor& mean,
                        const Tensor& inverse_stddev, const Tensor& gamma, Tensor& dx, Tensor& dgamma, Tensor& dbeta) {
  dispatch_floating(x.dtype(), [&]<class S>() {
    const S *slopes = dy.data<S>(), *in = x.data<S>(), *means = mean.data<S>(), *inverse = inverse_stddev.data<S>(),
            *scales = gamma.data<S>();
    S *out = dx.mutable_data<S>(), *dgammas = dgamma.mutable_data<S>(), *dbetas = dbeta.mutable_data<S>();
    if (along_rows(g))
      gradient_along_rows(RowGradient<S>{g, slopes, in, means, inverse, scales, out}, dgammas, dbetas);
    else
      gradient_down_columns(g, slopes, in, means, inverse, scales, out, dgammas, dbetas);
  });
}

}  // namespace floe::cpu
