// Filmstrip: a picture for each epoch, together in a panel and one after the other.
#include <floe/run/filmstrip.h>

#include <algorithm>

#include <fmt/format.h>

#include <floe/ops/shape_ops.h>
#include <floe/pictures/caption.h>

namespace floe {
namespace {

constexpr std::int64_t most_in_panel = 8;
constexpr int panel_columns = 4;

}  // namespace

Filmstrip::Filmstrip(Run& run, std::string name, FilmstripOptions options)
    : run_(run), name_(std::move(name)), options_(options), pictures_({0, 0, 0, 1}, DType::uint8) {
  run_.keep("pictures", *this);
}

void Filmstrip::state(State& state, const std::string& name) { state.tensor(name, pictures_); }

Tensor Filmstrip::frame(std::int64_t epoch, int scale) const {
  return caption(enlarge(pictures_[epoch - 1], scale), fmt::format("epoch {}", epoch));
}

std::filesystem::path Filmstrip::picture_of(std::int64_t epoch) const {
  return run_.folder() / fmt::format("{}-{:03}.png", name_, epoch);
}

void Filmstrip::add(const Tensor& drawings) {
  Tensor picture = to_pixels(make_grid(drawings, {.columns = options_.columns}));
  run_.board().image("drawn", picture, run_.step());
  picture = expand_dims(picture, 0);
  pictures_ = pictures_.dim(0) == 0 ? picture : concat({pictures_, picture}, 0);

  std::int64_t epochs = pictures_.dim(0), shown = std::min(most_in_panel, epochs);
  Tensors frames, panel;
  for (std::int64_t epoch = 1; epoch <= epochs; ++epoch) frames.push_back(frame(epoch, options_.scale));
  for (std::int64_t i = 0; i < shown; ++i) {
    std::int64_t epoch = 1 + (shown > 1 ? i * (epochs - 1) / (shown - 1) : 0);
    panel.push_back(frame(epoch, std::max(1, options_.scale - 1)));
  }
  save_png(picture_of(epochs), frames.back());
  for (std::int64_t later = epochs + 1; std::filesystem::remove(picture_of(later)); ++later) {}
  save_grid(run_.folder() / "panel.png", stack(panel, 0),
            {.columns = static_cast<int>(std::min<std::int64_t>(panel_columns, shown)), .padding = 8, .background = 1});
  save_animation(run_.folder() / "animation.png", frames, options_.milliseconds);
}

}  // namespace floe
