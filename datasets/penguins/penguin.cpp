// The parts a body gets - belly, flippers, feet, face, shading - and the posture of the whole.
#include "penguin.h"

#include <algorithm>
#include <numbers>

#include "body.h"
#include "pen.h"

namespace floe::penguins {
namespace {

constexpr float full_turn = 2 * std::numbers::pi_v<float>;
constexpr float upwards = -full_turn / 4;

// Rows this far apart run together under the pen.
constexpr float dense = 0.055f;

void draw_belly(Rng& rng, Pen& pen, const Body& body) {
  enum Style { none, oval, arch, line };
  const bool profile = body.facing == 2;
  const Point centre = body.belly, half = body.belly_half;
  switch (profile ? pick(rng, {0.60f, 0.12f, 0.0f, 0.28f}) : pick(rng, {0.54f, 0.28f, 0.18f, 0.0f})) {
    case none: break;
    case oval: pen.draw_closed(arc(centre, half, upwards, full_turn)); break;
    case arch:
      pen.draw(smooth({{centre.x - half.x, 1.0f},
                       {centre.x - half.x, centre.y},
                       {centre.x - 0.6f * half.x, centre.y - half.y},
                       {centre.x + 0.6f * half.x, centre.y - half.y},
                       {centre.x + half.x, centre.y},
                       {centre.x + half.x, 1.0f}}));
      break;
    case line:
      pen.draw(smooth({{body.head.x + 0.3f * body.head_radius, body.head.y + 1.2f * body.head_radius},
                       {centre.x - 0.5f * half.x, 0.50f},
                       {centre.x - 0.6f * half.x, 0.75f},
                       {centre.x + 0.3f * half.x, 1.0f}}));
      break;
  }
}

// A flipper from `shoulder`; `side` is -1 on the left and 1 on the right, `lift` the angle from hanging to upright.
struct Flipper {
  Point shoulder;
  float side, lift, length, width;
};

void draw_flipper(Rng& rng, Pen& pen, const Flipper& flipper, int style, bool black) {
  // From along and across it to the plane.
  const auto at = [&](float along, float across) {
    const Point local = turned({across * flipper.width, along * flipper.length}, -flipper.lift);
    return flipper.shoulder + Point{flipper.side * local.x, local.y};
  };

  enum Style { leaf, wedge, line };
  const float bend = rng.uniform(-0.3f, 0.6f);
  switch (style) {
    case leaf: {
      const Path path = joined(smooth({at(0, 0.1f), at(0.30f, 0.6f + bend), at(0.70f, 0.55f + bend), at(1, bend)}),
                               smooth({at(1, bend), at(0.70f, -0.45f + bend), at(0.32f, -0.45f), at(0.28f, -0.4f)}));
      pen.draw(path);
      if (black) pen.draw(hatched(path, dense));
      break;
    }
    case wedge: pen.draw({at(0, 0.2f), at(1, bend), at(0.35f, -0.6f)}); break;
    case line: pen.draw(smooth({at(0, 0), at(0.5f, 0.4f * bend), at(1, bend)})); break;
  }
}

void draw_flippers(Rng& rng, Pen& pen, const Body& body) {
  const int style = pick(rng, {0.64f, 0.22f, 0.14f});
  const bool black = rng.bernoulli(0.10f);
  const float length = rng.uniform(0.24f, 0.45f), width = rng.uniform(0.07f, 0.17f);

  // In profile one flipper lies on the trunk or points away from it, or none is to be seen.
  if (body.facing == 2) {
    const bool behind = rng.bernoulli(0.3f);
    const float lift = behind ? rng.uniform(0.4f, 1.1f) : rng.uniform(-0.25f, 0.35f);
    if (rng.bernoulli(0.85f)) draw_flipper(rng, pen, {body.shoulders[0], -1, lift, length, width}, style, black);
    if (rng.bernoulli(0.15f)) {
      draw_flipper(rng, pen, {body.shoulders[1], 1, rng.uniform(0.5f, 1.3f), 0.7f * length, width}, style, black);
    }
    return;
  }

  // From the front there are two: at rest, spread, or one of them waving.
  enum Posture { hidden, resting, spread, waving };
  const int posture = pick(rng, {0.08f, 0.58f, 0.26f, 0.08f});
  if (posture == hidden) return;
  const float lift = posture == spread ? rng.uniform(0.7f, 1.5f) : rng.uniform(0.12f, 0.6f);
  const int waved = rng.below(2);
  for (int i = 0; i < 2; ++i) {
    float here = lift + 0.12f * rng.normal();
    if (posture == waving && i == waved) here = rng.uniform(1.8f, 2.5f);
    const float side = i == 0 ? -1.0f : 1.0f;
    draw_flipper(rng, pen, {body.shoulders[i], side, here, length * rng.uniform(0.88f, 1.12f), width}, style, black);
  }
}

void draw_foot(Rng& rng, Pen& pen, Point ankle, float direction, float size, int style) {
  const Point forward{direction * size, 0}, down{0, 0.7f * size};
  enum Style { oval, triangle, toes, line, legs };
  switch (style) {
    case oval:
      pen.draw_closed(arc(ankle + forward * 0.4f + down * 0.5f, {size, 0.55f * size}, upwards, full_turn));
      break;
    case triangle: pen.draw({ankle, ankle + forward * 1.3f + down, ankle - forward * 0.5f + down, ankle}); break;
    case toes:
      pen.draw({ankle - down * 0.3f, ankle + down * 0.3f, ankle + forward * 1.1f + down});
      pen.draw({ankle + down * 0.3f, ankle + forward * 0.2f + down * 1.3f});
      if (rng.bernoulli(0.8f)) pen.draw({ankle + down * 0.3f, ankle - forward * 0.7f + down});
      break;
    case line: pen.draw({ankle, ankle + down * 0.6f, ankle + forward * 1.2f + down * 0.8f}); break;
    case legs: pen.draw({ankle, ankle + down * 1.6f, ankle + forward + down * 1.8f}); break;
  }
}

void draw_feet(Rng& rng, Pen& pen, const Body& body) {
  enum Feet { none, ground, two };
  switch (pick(rng, {0.10f, 0.05f, 0.85f})) {
    case none: break;
    case ground: {
      const float half = 0.1f + 2 * body.foot_spread;
      pen.draw({{body.foot_middle - half, 1.02f}, {body.foot_middle + half, 1.02f}});
      break;
    }
    case two: {
      const int style = pick(rng, {0.36f, 0.20f, 0.15f, 0.13f, 0.16f});
      const float size = rng.uniform(0.065f, 0.125f);
      for (const float side : {-1.0f, 1.0f}) {
        const Point ankle{body.foot_middle + side * body.foot_spread, 0.98f + 0.01f * rng.normal()};
        draw_foot(rng, pen, ankle, body.facing > 0 ? 1.0f : side, size, style);
      }
      break;
    }
  }
}

void draw_eye(Pen& pen, Point centre, float size, int style) {
  enum Style { none, dot, ring, filled };
  switch (style) {
    case none: break;
    case dot: pen.draw({centre, centre}); break;
    case ring: pen.draw_closed(arc(centre, {size, size}, upwards, full_turn)); break;
    case filled: pen.draw(arc(centre, {0.5f * size, 0.5f * size}, upwards, 2 * full_turn)); break;
  }
}

void draw_face_from_front(Rng& rng, Pen& pen, const Body& body) {
  // The eyes.
  const float radius = body.head_radius;
  const int eyes = pick(rng, {0.30f, 0.52f, 0.08f, 0.10f});
  const float apart = radius * rng.uniform(0.32f, 0.5f), size = radius * rng.uniform(0.16f, 0.26f);
  for (const float side : {-1.0f, 1.0f}) draw_eye(pen, body.head + Point{side * apart, -0.15f * radius}, size, eyes);

  // The beak below and between them.
  const Point middle = body.head + Point{0, radius * rng.uniform(0.15f, 0.4f)};
  const float half = radius * rng.uniform(0.18f, 0.34f);
  const Point left = middle - Point{half, 0}, right = middle + Point{half, 0}, tip = middle + Point{0, 1.5f * half};
  enum Beak { none, vee, triangle, diamond };
  switch (pick(rng, {0.25f, 0.25f, 0.30f, 0.20f})) {
    case none: break;
    case vee: pen.draw({left, tip, right}); break;
    case triangle: pen.draw({left, right, tip, left}); break;
    case diamond: pen.draw({left, middle - Point{0, half}, right, tip, left}); break;
  }

  // A chin line or the two bows of a mask.
  enum Mask { bare, chin, bows };
  switch (pick(rng, {0.86f, 0.08f, 0.06f})) {
    case bare: break;
    case chin:
      pen.draw(arc(body.head + Point{0, 0.6f * radius}, {0.95f * radius, 0.4f * radius}, 0, full_turn / 2));
      break;
    case bows: {
      const Point aside{0.42f * radius, 0}, bow{0.42f * radius, 0.5f * radius};
      pen.draw(joined(arc(body.head - aside, bow, full_turn / 2, full_turn / 2),
                      arc(body.head + aside, bow, full_turn / 2, full_turn / 2)));
      break;
    }
  }
}

void draw_face_from_side(Rng& rng, Pen& pen, const Body& body) {
  // One eye, towards the beak.
  const float radius = body.head_radius;
  const Point eye = body.head + Point{radius * rng.uniform(0.1f, 0.45f), -radius * rng.uniform(0.1f, 0.35f)};
  const float size = radius * rng.uniform(0.18f, 0.28f);
  draw_eye(pen, eye, size, pick(rng, {0.38f, 0.46f, 0.08f, 0.08f}));

  // The beak, pointed: two lines, sometimes with a mouth between them.
  if (!body.beak_drawn) {
    const Point top = body.head + Point{0.92f * radius, -0.25f * radius};
    const Point bottom = body.head + Point{0.92f * radius, 0.35f * radius};
    const float reach = radius + std::min(0.17f, radius) * rng.uniform(0.5f, 1.2f);
    const Point tip = body.head + Point{reach, radius * rng.uniform(-0.2f, 0.4f)};
    pen.draw({top, tip, bottom});
    if (rng.bernoulli(0.2f)) pen.draw({(top + bottom) * 0.5f, tip});
    if (rng.bernoulli(0.15f)) pen.draw(hatched({top, tip, bottom}, dense));
  }

  // A line that sets the cap off from the neck.
  if (rng.bernoulli(0.12f)) {
    pen.draw(arc(body.head + Point{0, 0.3f * radius}, {radius, 0.6f * radius}, 0.1f, 0.45f * full_turn));
  }
}

// Blackens the cap, or the back from head to tail.
void draw_shading(Rng& rng, Pen& pen, const Body& body) {
  enum Shading { none, cap, flanks };
  switch (pick(rng, {0.90f, 0.06f, 0.04f})) {
    case none: break;
    case cap: {
      const Point half{0.95f * body.head_radius, 0.9f * body.head_radius};
      pen.draw(hatched(arc(body.head - Point{0, 0.15f * body.head_radius}, half, full_turn / 2, full_turn / 2), dense));
      break;
    }
    case flanks: {
      const float edge = body.belly.x - 0.9f * body.belly_half.x;
      for (const float side : {-1.0f, 1.0f}) {
        Path flank;
        for (const Point point : body.outline) {
          const float border = side < 0 ? edge : 2 * body.belly.x - edge;
          const float x = side < 0 ? std::min(point.x, border) : std::max(point.x, border);
          if (point.y > 0.3f && point.y < 0.97f) flank.push_back({x, point.y});
        }
        if (flank.size() > 2) pen.draw(hatched(flank, dense));
        if (body.facing == 2) break;
      }
      break;
    }
  }
}

void draw_standing(Rng& rng, Pen& pen) {
  const Body body = draw_body(rng, pen);
  draw_belly(rng, pen, body);
  draw_flippers(rng, pen, body);
  draw_feet(rng, pen, body);
  if (body.facing == 0) {
    draw_face_from_front(rng, pen, body);
  } else {
    draw_face_from_side(rng, pen, body);
  }
  draw_shading(rng, pen, body);
}

}  // namespace

Drawing draw_penguin(Rng rng) {
  Pen pen(rng, rng.uniform(0.004f, 0.018f));

  // A chick now and then, at its parent's feet.
  if (rng.bernoulli(0.015f)) {
    draw_standing(rng, pen);
    const float size = rng.uniform(0.35f, 0.5f), aside = rng.uniform(0.5f, 0.65f);
    pen.transform([=](Point point) { return Point{aside + size * point.x, 1 + size * (point.y - 1)}; });
  }
  draw_standing(rng, pen);

  // Lean, stretch and slant the whole, one in a hundred onto its belly, and let half of them look to the left.
  const float stretch = 1 + 0.07f * std::clamp(rng.normal(), -2.0f, 2.0f), slant = 0.05f * rng.normal();
  const float lean = rng.bernoulli(0.01f) ? rng.uniform(1.1f, 1.5f) : 0.06f * rng.normal();
  const float mirror = rng.bernoulli(0.5f) ? -1.0f : 1.0f;
  pen.transform([=](Point point) {
    const Point leaning = turned({stretch * point.x + slant * point.y, point.y}, lean);
    return Point{mirror * leaning.x, leaning.y};
  });
  return pen.finish();
}

}  // namespace floe::penguins
