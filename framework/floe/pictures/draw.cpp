// A list of strokes, areas and images, and how it becomes pixels and SVG.
#include <floe/pictures/draw.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include <floe/ops/create.h>
#include <floe/pictures/coverage.h>
#include <floe/pictures/png.h>

namespace floe {
namespace {

constexpr double farthest = 1e6;  // so that products of two distances fit into 64 bits

// --- What is wanted --------------------------------------------------------------------------------------------------

double require(std::string_view op, std::string_view what, double value, double lowest, double highest) {
  if (value >= lowest && value <= highest) return value;
  throw ValueError(fmt::format("{}: {} is {}; expected {} to {}", op, what, value, lowest, highest));
}

std::int64_t hundredths(double value) { return std::llround(value * static_cast<double>(pixel)); }

GridPoint on_grid(std::string_view op, Point point) {
  require(op, "x", point.x, -farthest, farthest);
  require(op, "y", point.y, -farthest, farthest);
  return {hundredths(point.x), hundredths(point.y)};
}

Strand straight(std::string_view op, const std::vector<Point>& points) {
  Strand strand;
  for (const Point& point : points) {
    GridPoint to = on_grid(op, point);
    if (strand.empty())
      strand = {to};
    else
      strand.insert(strand.end(), {strand.back(), to, to});
  }
  return strand;
}

int opacity_of(std::string_view op, double opacity) {
  return static_cast<int>(std::lround(require(op, "opacity", opacity, 0, 1) * 255));
}

// How high the points of a strand are above the baseline, in hundredths of a pixel. The edges of what is level
// (along the baseline, small letters and capitals, and each level piece of the strand) are moved to borders of pixels,
// and everything between goes along, which keeps small letters sharp.
class Heights {
 public:
  Heights(const Strand& strand, std::int64_t size, std::int64_t pen) : size_(size) {
    std::int64_t small = whole_pixels(size * font_x_height / font_units) - pen / 2;
    std::int64_t capitals = whole_pixels(size * font_capitals / font_units) - pen / 2;
    fixed_ = {{0, pen / 2}, {font_x_height, small}, {font_capitals, capitals}};
    std::vector<GridPoint> more;
    for (std::size_t i = 0; i + 3 < strand.size(); i += 3) {
      GridPoint from = strand[i], to = strand[i + 3];
      bool is_level = from.y == to.y && strand[i + 1] == from && strand[i + 2] == to;
      if (is_level) more.push_back({from.y, whole_pixels(of(from.y) - pen / 2) + pen / 2});
    }
    for (GridPoint level : more) {
      auto at = std::find_if(fixed_.begin(), fixed_.end(), [&](GridPoint other) { return other.x >= level.x; });
      if (at == fixed_.end() || at->x != level.x) fixed_.insert(at, level);
    }
  }

  std::int64_t of(std::int64_t y) const {
    if (y <= fixed_.front().x) return fixed_.front().y + round_divide((y - fixed_.front().x) * size_, font_units);
    for (std::size_t i = 1; i < fixed_.size(); ++i) {
      GridPoint low = fixed_[i - 1], high = fixed_[i];
      if (y <= high.x) return low.y + round_divide((y - low.x) * (high.y - low.y), high.x - low.x);
    }
    return fixed_.back().y + round_divide((y - fixed_.back().x) * size_, font_units);
  }

 private:
  std::int64_t size_;
  std::vector<GridPoint> fixed_;  // x: a height in the font, y: where it is drawn
};

// --- Pixels ----------------------------------------------------------------------------------------------------------

std::uint8_t blended(int below, int above, int level) {
  return static_cast<std::uint8_t>((below * (255 - level) + above * level + 127) / 255);
}

void blend(std::uint8_t* below, Colour above, int level) {
  below[0] = blended(below[0], above.red, level);
  below[1] = blended(below[1], above.green, level);
  below[2] = blended(below[2], above.blue, level);
}

void blend_image(std::uint8_t* out, std::int64_t width, std::int64_t height, const Tensor& image, GridPoint corner,
                 std::int64_t scale) {
  std::int64_t left = corner.x / pixel, top = corner.y / pixel, channels = image.rank() == 3 ? image.dim(2) : 1;
  std::int64_t right = std::min(width, left + image.dim(1) * scale);
  std::int64_t bottom = std::min(height, top + image.dim(0) * scale);
  for (std::int64_t y = std::max<std::int64_t>(top, 0); y < bottom; ++y) {
    for (std::int64_t x = std::max<std::int64_t>(left, 0); x < right; ++x) {
      std::int64_t at = (y - top) / scale * image.dim(1) + (x - left) / scale;
      const std::uint8_t* in = image.data<std::uint8_t>() + at * channels;
      Colour colour = channels == 1 ? Colour{in[0], in[0], in[0]} : Colour{in[0], in[1], in[2]};
      blend(out + (y * width + x) * 3, colour, channels == 4 ? in[3] : 255);
    }
  }
}

// --- SVG -------------------------------------------------------------------------------------------------------------

std::string decimal(std::int64_t hundredths) {
  std::int64_t size = std::abs(hundredths), part = size % pixel;
  std::string text = fmt::format("{}{}", hundredths < 0 ? "-" : "", size / pixel);
  if (part != 0) text += part % 10 ? fmt::format(".{:02}", part) : fmt::format(".{}", part / 10);
  return text;
}

std::string path_data(const std::vector<Strand>& strands) {
  std::string path;
  auto add = [&](std::string_view before, GridPoint point) {
    path += fmt::format("{}{} {}", before, decimal(point.x), decimal(point.y));
  };
  for (const Strand& strand : strands) {
    add("M", strand[0]);
    if (strand.size() == 1) path += "h0";  // a dot
    for (std::size_t i = 0; i + 3 < strand.size(); i += 3) {
      bool is_straight = strand[i + 1] == strand[i] && strand[i + 2] == strand[i + 3];
      if (!is_straight) add("C", strand[i + 1]), add(" ", strand[i + 2]);
      add(is_straight ? "L" : " ", strand[i + 3]);
    }
  }
  return path;
}

std::string paint(std::string_view how, Colour colour, int opacity) {
  std::string text = fmt::format(" {}=\"#{:02x}{:02x}{:02x}\"", how, colour.red, colour.green, colour.blue);
  if (opacity < 255) text += fmt::format(" {}-opacity=\"{}\"", how, decimal((opacity * pixel + 127) / 255));
  return text;
}

std::string escaped(std::string_view text) {
  std::string result;
  for (char c : text) {
    std::string_view names[] = {"&&amp;", "<&lt;", ">&gt;", "\"&quot;"}, found;
    for (std::string_view name : names) {
      if (name[0] == c) found = name.substr(1);
    }
    if (found.empty())
      result += c;
    else
      result += found;
  }
  return result;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t three = 0;
    for (std::size_t k = i; k < i + 3; ++k)
      three = three << 8 | (k < bytes.size() ? static_cast<unsigned char>(bytes[k]) : 0);
    for (int shift = 18; shift >= 0; shift -= 6) text += digits[three >> shift & 63];
  }
  std::size_t missing = (3 - bytes.size() % 3) % 3;
  return text.replace(text.size() - missing, missing, std::string(missing, '='));
}

}  // namespace

double text_width(std::string_view text, double size) {
  std::int64_t width = text_strokes(text).width * hundredths(require("text_width", "size", size, 0, 1000));
  return static_cast<double>(round_divide(width, font_units)) / static_cast<double>(pixel);
}

Drawing::Drawing(int width, int height, Colour background) : width_(width), height_(height), background_(background) {
  require("Drawing", "width", width, 1, 8192);
  require("Drawing", "height", height, 1, 8192);
}

void Drawing::line(Point from, Point to, const LineOptions& options) { polyline({from, to}, options); }

void Drawing::polyline(const std::vector<Point>& points, const LineOptions& options) {
  std::int64_t width = hundredths(require("polyline", "width", options.width, 0, 10000));
  int opacity = opacity_of("polyline", options.opacity);
  if (points.empty()) return;
  items_.push_back({Kind::stroke, {straight("polyline", points)}, width, options.colour, opacity, {}, {}});
}

void Drawing::disc(Point centre, double radius, const FillOptions& options) {
  std::int64_t width = 2 * hundredths(require("disc", "radius", radius, 0, 5000));
  int opacity = opacity_of("disc", options.opacity);
  items_.push_back({Kind::disc, {{on_grid("disc", centre)}}, width, options.colour, opacity, {}, {}});
}

void Drawing::rectangle(Point corner, double width, double height, const FillOptions& options) {
  require("rectangle", "width", width, 0, farthest);
  require("rectangle", "height", height, 0, farthest);
  double right = corner.x + width, bottom = corner.y + height;
  polygon({corner, {right, corner.y}, {right, bottom}, {corner.x, bottom}}, options);
}

void Drawing::polygon(const std::vector<Point>& points, const FillOptions& options) {
  int opacity = opacity_of("polygon", options.opacity);
  if (points.empty()) return;
  items_.push_back({Kind::area, {straight("polygon", points)}, 0, options.colour, opacity, {}, {}});
}

void Drawing::text(Point at, std::string_view text, const TextOptions& options) {
  std::int64_t size = hundredths(require("text", "size", options.size, 0, 1000));
  double weight = require("text", "weight", options.weight, 0, 0.5);
  std::int64_t pen = 2 * std::max(hundredths(options.size * weight / 2), pixel / 2);
  GridPoint origin = on_grid("text", at);
  TextStrokes strokes = text_strokes(text);
  std::int64_t width = round_divide(strokes.width * size, font_units);
  std::int64_t back = options.align == Align::left ? 0 : options.align == Align::right ? width : width / 2;
  std::int64_t capitals = whole_pixels(size * font_capitals / font_units);
  std::int64_t down = options.anchor == Anchor::middle ? capitals / 2 : 0;
  std::int64_t baseline = whole_pixels((options.upwards ? origin.x : origin.y) + down);
  for (Strand& strand : strokes.strands) {
    Heights heights(strand, size, pen);
    for (GridPoint& point : strand) {
      std::int64_t along = round_divide(point.x * size, font_units) - back, above = heights.of(point.y);
      point = options.upwards ? GridPoint{baseline - above, origin.y - along}
                              : GridPoint{origin.x + along, baseline - above};
    }
  }
  items_.push_back({Kind::text, std::move(strokes.strands), pen, options.colour, 255, readable_text(text), {}});
}

void Drawing::place(const Tensor& image, int left, int top, const PlaceOptions& options) {
  Tensor pixels = to_pixels(image, "place");
  require("place", "scale", options.scale, 1, 4096);
  GridPoint corner = on_grid("place", {static_cast<double>(left), static_cast<double>(top)});
  items_.push_back({Kind::image, {{corner}}, options.scale, {}, 255, {}, pixels});
}

Tensor Drawing::image() const {
  Tensor result = zeros({height_, width_, 3}, DType::uint8);
  std::uint8_t* out = result.mutable_data<std::uint8_t>();
  for (std::int64_t i = 0; i < std::int64_t{width_} * height_; ++i) blend(out + i * 3, background_, 255);
  for (const Item& item : items_) {
    if (item.kind == Kind::image) {
      blend_image(out, width_, height_, item.pixels, item.strands[0][0], item.width);
      continue;
    }
    Mask mask = item.kind == Kind::area ? cover_area(item.strands[0], width_, height_)
                                        : cover_strokes(item.strands, item.width, width_, height_);
    for (std::int64_t y = mask.top; y < mask.bottom; ++y) {
      for (std::int64_t x = mask.left; x < mask.right; ++x) {
        int level = (mask.at(x, y) * item.opacity + 127) / 255;
        if (level != 0) blend(out + (y * width_ + x) * 3, item.colour, level);
      }
    }
  }
  return result;
}

std::string Drawing::svg() const {
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" fill=\"none\" "
      "stroke-linecap=\"round\" stroke-linejoin=\"round\">\n<rect width=\"{0}\" height=\"{1}\"{2}/>\n",
      width_, height_, paint("fill", background_, 255));
  for (const Item& item : items_) text += svg_of(item) + "\n";
  return text + "</svg>\n";
}

std::string Drawing::svg_of(const Item& item) {
  if (item.kind == Kind::image) {
    GridPoint corner = item.strands[0][0];
    return fmt::format(
        "<image x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" style=\"image-rendering:pixelated\" "
        "href=\"data:image/png;base64,{}\"/>",
        decimal(corner.x), decimal(corner.y), item.pixels.dim(1) * item.width, item.pixels.dim(0) * item.width,
        base64(encode_png(item.pixels)));
  }
  if (item.kind == Kind::disc) {
    GridPoint centre = item.strands[0][0];
    return fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"{}\"{}/>", decimal(centre.x), decimal(centre.y),
                       decimal(item.width / 2), paint("fill", item.colour, item.opacity));
  }
  if (item.kind == Kind::area) {
    return fmt::format("<path d=\"{}Z\"{}/>", path_data(item.strands), paint("fill", item.colour, item.opacity));
  }
  std::string path = fmt::format("<path d=\"{}\" stroke-width=\"{}\"{}/>", path_data(item.strands), decimal(item.width),
                                 paint("stroke", item.colour, item.opacity));
  if (item.kind == Kind::stroke) return path;
  std::string label = escaped(item.label);
  return fmt::format("<g role=\"img\" aria-label=\"{0}\"><title>{0}</title>{1}</g>", label, path);
}

}  // namespace floe
