// Batch normalisation: statistics by channel of (rows, channels), the scaling, and its gradient.
#include <floe/backend/cpu/columns.h>

namespace floe::cpu {
namespace {

// y[row][channel] = formula(matrices..., a value of each parameter for that channel).
template <class S, std::size_t count, class Formula, class... In>
void map_rows(const ColumnPlan& plan, const std::array<const S*, count>& parameters, Formula formula, S* y,
              const In*... x) {
  std::array<std::vector<S>, count> tiles;
  for (std::size_t i = 0; i < count; ++i) tiles[i] = plan.tiled(parameters[i], plan.columns);
  bool stream =
      worth_streaming(y, plan.rows * plan.columns * static_cast<std::int64_t>(sizeof(S))) && plan.columns % 16 == 0;
  parallel_ranges(plan.parts(), plan.parts_per_thread(), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      ColumnPlan::Part part = plan.part(i);
      plan.lines(part, [&](std::int64_t offset, std::int64_t length) {
        auto line = [&](auto&... tile) {
          lane_row<S>(stream, length, formula, y + offset, x + offset..., tile.data() + part.column...);
        };
        std::apply(line, std::as_const(tiles));
      });
    }
    if (stream) finish_streams();
  });
}

}  // namespace

// Each part takes the deviations from the mean of its first rows, in one pass, and corrects for what that mean was off;
// if it was off by much, once more from the better mean. The parts are combined in order by Chan, Golub and LeVeque,
// "Updating formulae and a pairwise algorithm for computing sample variances", 1979.
void moments(const Tensor& x, Tensor& mean, Tensor& variance) {
  dispatch_floating(x.dtype(), [&]<class S>() {
    ColumnPlan plan(x.dim(0), x.dim(1));
    std::int64_t channels = plan.columns;
    const S* in = x.data<S>();
    std::vector<double> part_means(plan.row_parts * channels), part_squares(plan.row_parts * channels);

    parallel_ranges(plan.parts(), plan.parts_per_thread(), [&](std::int64_t begin, std::int64_t end) {
      std::vector<S> sums(plan.lanes()), squares(plan.lanes()), centre;
      auto deviation = [](auto value, auto middle) { return value - middle; };
      auto square = [](auto value, auto middle) { return (value - middle) * (value - middle); };
      std::tuple both{Reduced{sums.data(), deviation}, Reduced{squares.data(), square}};
      for (std::int64_t i = begin; i < end; ++i) {
        ColumnPlan::Part part = plan.part(i);
        if (part.rows == 0) continue;
        const double share = 1.0 / static_cast<double>(part.rows);
        auto deviate_from = [&](auto middle) {  // middle(column)
          std::vector<S> middles(part.columns);
          for (std::int64_t c = 0; c < part.columns; ++c) middles[c] = static_cast<S>(middle(c));
          centre = plan.tiled(middles.data(), part.columns);
          reduce_part(plan, part, S(0), sum, both, in, PerLane<S>{centre.data()});
        };

        const std::int64_t first_rows = std::min<std::int64_t>(part.rows, 16);
        deviate_from([&](std::int64_t c) {
          double total = 0;
          for (std::int64_t row = 0; row < first_rows; ++row)
            total += in[(part.row + row) * channels + part.column + c];
          return total / static_cast<double>(first_rows);
        });
        auto was_off = [&](std::int64_t c) { return sums[c] * share; };
        auto rest_of = [&](std::int64_t c) { return squares[c] - was_off(c) * sums[c]; };
        bool by_much = false;
        for (std::int64_t c = 0; c < part.columns; ++c) by_much |= was_off(c) * sums[c] > 2 * rest_of(c);
        if (by_much) {
          deviate_from([&](std::int64_t c) { return centre[c] + was_off(c); });
        }
        for (std::int64_t c = 0; c < part.columns; ++c) {
          std::int64_t slot = part.row_part * channels + part.column + c;
          part_means[slot] = centre[c] + was_off(c);
          part_squares[slot] = rest_of(c);
        }
      }
    });

    // Combine the parts; no rows at all give zeros.
    S* means = mean.mutable_data<S>();
    S* variances = variance.mutable_data<S>();
    std::vector<double> before(plan.row_parts), shares(plan.row_parts);  // a part's share of all rows down to its end
    for (std::int64_t part = 1; part < plan.row_parts; ++part) {
      std::int64_t first = part * plan.part_rows, last = std::min(plan.rows, first + plan.part_rows);
      before[part] = static_cast<double>(first);
      shares[part] = static_cast<double>(last - first) / static_cast<double>(last);
    }
    double rows = static_cast<double>(std::max<std::int64_t>(1, plan.rows));
    parallel_ranges(channels, rows_per_part(plan.row_parts), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t c = begin; c < end; ++c) {
        double total_mean = part_means[c], total_squares = part_squares[c];
        for (std::int64_t part = 1; part < plan.row_parts; ++part) {
          double distance = part_means[part * channels + c] - total_mean;
          total_squares += part_squares[part * channels + c] + distance * distance * before[part] * shares[part];
          total_mean += distance * shares[part];
        }
        means[c] = static_cast<S>(total_mean);
        variances[c] = static_cast<S>(std::max(total_squares, 0.0) / rows);
      }
    });
  });
}

void normalize(const Tensor& x, const Tensor& mean, const Tensor& scale, const Tensor& shift, Tensor& y) {
  dispatch_floating(x.dtype(), [&]<class S>() {
    ColumnPlan plan(x.dim(0), x.dim(1));
    auto formula = [](auto value, auto mean, auto scale, auto shift) { return (value - mean) * scale + shift; };
    map_rows<S, 3>(plan, {mean.data<S>(), scale.data<S>(), shift.data<S>()}, formula, y.mutable_data<S>(), x.data<S>());
  });
}

// With xhat = (x - mean) * inverse_stddev: dbeta = sum(dy), dgamma = sum(dy * xhat) and
// dx = gamma * inverse_stddev * (dy - dbeta / rows - xhat * dgamma / rows). Ioffe and Szegedy, ICML 2015.
void batch_normalization_gradient(const Tensor& dy, const Tensor& x, const Tensor& mean, const Tensor& inverse_stddev,
                                  const Tensor& gamma, Tensor& dx, Tensor& dgamma, Tensor& dbeta) {
  dispatch_floating(x.dtype(), [&]<class S>() {
    ColumnPlan plan(x.dim(0), x.dim(1));
    std::int64_t channels = plan.columns;
    const S *slopes = dy.data<S>(), *in = x.data<S>(), *means = mean.data<S>(), *inverse = inverse_stddev.data<S>();

    // Sum dy and dy * (x - mean) in one pass; inverse_stddev is the same all the way down a column.
    std::vector<S> betas(plan.row_parts * channels), gammas(plan.row_parts * channels);
    std::vector<S> centre = plan.tiled(means, channels);
    parallel_ranges(plan.parts(), plan.parts_per_thread(), [&](std::int64_t begin, std::int64_t end) {
      std::vector<S> beta(plan.lanes()), gamma(plan.lanes());
      auto beta_term = [](auto slope, auto, auto) { return slope; };
      auto gamma_term = [](auto slope, auto value, auto middle) { return slope * (value - middle); };
      std::tuple both{Reduced{beta.data(), beta_term}, Reduced{gamma.data(), gamma_term}};
      for (std::int64_t i = begin; i < end; ++i) {
        ColumnPlan::Part part = plan.part(i);
        std::int64_t slot = part.row_part * channels + part.column;
        reduce_part(plan, part, S(0), sum, both, slopes, in, PerLane<S>{centre.data() + part.column});
        std::copy_n(beta.data(), part.columns, betas.data() + slot);
        std::copy_n(gamma.data(), part.columns, gammas.data() + slot);
      }
    });
    S *beta_sums = dbeta.mutable_data<S>(), *gamma_sums = dgamma.mutable_data<S>();
    join_parts<double>(betas.data(), plan.row_parts, channels, sum, beta_sums);
    join_parts<double>(gammas.data(), plan.row_parts, channels, sum, gamma_sums);

    // Fold what belongs to a channel into three numbers beside its mean.
    std::vector<S> factor(channels), shift(channels), tilt(channels);
    S rows = static_cast<S>(std::max<std::int64_t>(1, plan.rows));
    for (std::int64_t c = 0; c < channels; ++c) {
      gamma_sums[c] *= inverse[c];
      factor[c] = gamma.data<S>()[c] * inverse[c];
      shift[c] = beta_sums[c] / rows;
      tilt[c] = inverse[c] * gamma_sums[c] / rows;
    }
    auto formula = [](auto slope, auto value, auto middle, auto factor, auto shift, auto tilt) {
      return factor * (slope - shift - (value - middle) * tilt);
    };
    map_rows<S, 4>(plan, {means, factor.data(), shift.data(), tilt.data()}, formula, dx.mutable_data<S>(), slopes, in);
  });
}

}  // namespace floe::cpu
