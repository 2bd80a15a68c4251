// Captions: a line of text above an image.
#include <floe/pictures/caption.h>

#include <algorithm>
#include <cmath>

#include <floe/pictures/png.h>

namespace floe {

Tensor caption(const Tensor& image, std::string_view text, const CaptionOptions& options) {
  Tensor pixels = to_pixels(image, "caption");
  int height = static_cast<int>(pixels.dim(0)), width = static_cast<int>(pixels.dim(1));
  int wide = static_cast<int>(std::ceil(text_width(text, options.size))),  // first: it refuses a wrong size
      band = static_cast<int>(std::ceil(1.25 * options.size));
  Drawing drawing(std::max(width, wide), height + band, options.background);
  drawing.text({drawing.width() / 2.0, band / 2.0}, text,
               {.size = options.size, .colour = options.colour, .align = Align::centre, .anchor = Anchor::middle});
  drawing.place(pixels, (drawing.width() - width) / 2, band);
  return drawing.image();
}

}  // namespace floe
