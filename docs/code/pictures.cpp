// Pictures of what the apps learn from.
#include "pages.h"

#include <datasets/penguins/penguins.h>
#include <datasets/snowflakes/snowflakes.h>

using namespace floe;

namespace {

void penguins_examples() { save_grid(pages::out() / "examples.png", penguins::draw(256), {.columns = 32, .scale = 1}); }

void snowflakes_examples() {
  Tensor grey = cast(snowflakes::grow(18).images64, DType::float32) / 255;
  save_grid(pages::out() / "examples.png", snowflakes::in_colour(grey), {.columns = 9, .padding = 2, .scale = 2});
}

const pages::Example entered[] = {{"pictures.penguins", penguins_examples}, {"pictures.snowflakes", snowflakes_examples}};

}  // namespace
