/* Functions of every element, and of rows. */

/* x = n ln 2 + r, |r| <= ln 2 / 2: exp(x) = 2^n exp(r), the polynomial that of the Cephes library's
   expf. 2^n comes in two factors, so that results reach from 0 through denormals to infinity. */
INLINE vec exp_of(vec x) {
  const vec rounder = (vec)12582912.0f; /* 1.5 * 2^23: sums have their integer in the low bits */
  x = clamp(x, (vec)-104.0f, (vec)89.0f);
  vec shifted = x * (vec)1.44269504f + rounder;
  vec n = shifted - rounder;
  vec r = x - n * (vec)0.693359375f;
  r = r - n * (vec)-2.12194440e-4f;
  vec p = (vec)1.9875691500e-4f;
  p = p * r + (vec)1.3981999507e-3f;
  p = p * r + (vec)8.3334519073e-3f;
  p = p * r + (vec)4.1665795894e-2f;
  p = p * r + (vec)1.6666665459e-1f;
  p = p * r + (vec)5.0000001201e-1f;
  p = p * (r * r) + r + (vec)1.0f;
  ivec whole = (ivec)shifted - (ivec)rounder;
  ivec half = whole >> 1;
  vec first = (vec)((half + 127) << 23), second = (vec)((whole - half + 127) << 23);
  return p * first * second;
}

/* x P(x^2) / Q(x^2), fitted by least squares to erf on [-3.95, 3.95], beyond which it is one:
   relative error below 5e-7. */
INLINE vec erf_of(vec x) {
  x = clamp(x, (vec)-3.95f, (vec)3.95f);
  vec u = x * x;
  vec p = (vec)2.056970970443217e-06f;
  p = p * u + (vec)0.000283524626865983f;
  p = p * u + (vec)0.0037105779629200697f;
  p = p * u + (vec)0.05257274582982063f;
  p = p * u + (vec)0.18913382291793823f;
  p = p * u + (vec)1.1283791065216064f;
  vec q = (vec)3.809525878750719e-05f;
  q = q * u + (vec)0.0011491046752780676f;
  q = q * u + (vec)0.014856994152069092f;
  q = q * u + (vec)0.1135765090584755f;
  q = q * u + (vec)0.500948429107666f;
  q = q * u + (vec)1.0f;
  return clamp(x * p / q, (vec)-1.0f, (vec)1.0f);
}

#define FK_MAP(name, function)                                                    \
  static void name(const float *x, ptrdiff_t count, float *y) {                   \
    ptrdiff_t i = 0;                                                              \
    for (; i + FK_LANES <= count; i += FK_LANES) store(y + i, function(load(x + i))); \
    if (i < count) store_part(y + i, function(load_part(x + i, count - i)), count - i); \
  }
FK_MAP(exponential, exp_of)
FK_MAP(error_function, erf_of)

/* The Gelu of exported transformers, step by step as they write it:
   x * (erf(x / divisor) + 1) * 0.5. */
INLINE vec gelu_of(vec x, vec reciprocal) {
  vec e = erf_of(x * reciprocal);
  vec raised = e + (vec)1.0f;
  vec product = x * raised;
  return product * (vec)0.5f;
}

static void gelu(const float *x, ptrdiff_t count, float divisor, float *y) {
  const vec reciprocal = (vec)(1.0f / divisor);
  ptrdiff_t i = 0;
  for (; i + FK_LANES <= count; i += FK_LANES) store(y + i, gelu_of(load(x + i), reciprocal));
  if (i < count) {
    store_part(y + i, gelu_of(load_part(x + i, count - i), reciprocal), count - i);
  }
}

/* Largest of vectors and singles. */
INLINE float largest_of(vec peaks, const float *rest, ptrdiff_t count) {
  float peak = -INFINITY;
  for (int lane = 0; lane < FK_LANES; lane++) peak = peaks[lane] > peak ? peaks[lane] : peak;
  for (ptrdiff_t i = 0; i < count; i++) peak = rest[i] > peak ? rest[i] : peak;
  return peak;
}

INLINE double total_of(vec sums) {
  double total = 0;
  for (int lane = 0; lane < FK_LANES; lane++) total += sums[lane];
  return total;
}

/* From the row and its largest value, in place or not. A NaN makes the sum, and so all, NaN. */
INLINE void softmax_below(const float *x, ptrdiff_t count, float peak, float *y) {
  ptrdiff_t whole = count / FK_LANES * FK_LANES;
  vec sums = (vec)0.0f;
  for (ptrdiff_t i = 0; i < whole; i += FK_LANES) {
    vec e = exp_of(load(x + i) - (vec)peak);
    store(y + i, e);
    sums += e;
  }
  double sum = total_of(sums);
  if (whole < count) {
    store_part(y + whole, exp_of(load_part(x + whole, count - whole) - (vec)peak), count - whole);
    for (ptrdiff_t i = whole; i < count; i++) sum += y[i];
  }
  const float scale = (float)(1 / sum);
  for (ptrdiff_t i = 0; i < whole; i += FK_LANES) store(y + i, load(y + i) * (vec)scale);
  for (ptrdiff_t i = whole; i < count; i++) y[i] *= scale;
}

static void softmax(const float *x, ptrdiff_t count, float *y) {
  vec peaks = (vec)-INFINITY;
  ptrdiff_t whole = count / FK_LANES * FK_LANES;
  for (ptrdiff_t i = 0; i < whole; i += FK_LANES) {
    vec v = load(x + i);
    peaks = v > peaks ? v : peaks;
  }
  softmax_below(x, count, largest_of(peaks, x + whole, count - whole), y);
}

static void masked_softmax(const float *x, ptrdiff_t count, float divisor, const float *mask,
                           float *y) {
  vec peaks = (vec)-INFINITY;
  ptrdiff_t whole = count / FK_LANES * FK_LANES;
  const float reciprocal = 1.0f / divisor;
  for (ptrdiff_t i = 0; i < whole; i += FK_LANES) {
    vec v = load(x + i) * (vec)reciprocal;
    if (mask) v += load(mask + i);
    store(y + i, v);
    peaks = v > peaks ? v : peaks;
  }
  for (ptrdiff_t i = whole; i < count; i++) y[i] = x[i] * reciprocal + (mask ? mask[i] : 0.0f);
  softmax_below(y, count, largest_of(peaks, y + whole, count - whole), y);
}

/* Two passes for the statistics: the mean, then the squares of what is left. */
static void normalize(const float *x, const float *addend, ptrdiff_t count, float epsilon,
                      const float *scale, const float *bias, float *y, float *mean,
                      float *inverse) {
  if (addend) {
    ptrdiff_t i = 0;
    for (; i + FK_LANES <= count; i += FK_LANES) store(y + i, load(x + i) + load(addend + i));
    for (; i < count; i++) y[i] = x[i] + addend[i];
    x = y;
  }
  ptrdiff_t whole = count / FK_LANES * FK_LANES;
  vec sums = (vec)0.0f, squares = (vec)0.0f;
  for (ptrdiff_t i = 0; i < whole; i += FK_LANES) sums += load(x + i);
  double sum = total_of(sums);
  for (ptrdiff_t i = whole; i < count; i++) sum += x[i];
  const float middle = (float)(sum / (double)count);
  for (ptrdiff_t i = 0; i < whole; i += FK_LANES) {
    vec d = load(x + i) - (vec)middle;
    squares += d * d;
  }
  double square = total_of(squares);
  for (ptrdiff_t i = whole; i < count; i++) square += (double)(x[i] - middle) * (x[i] - middle);
  const float factor = (float)(1 / sqrt(square / (double)count + (double)epsilon));
  for (ptrdiff_t i = 0; i < whole; i += FK_LANES) {
    vec v = (load(x + i) - (vec)middle) * (vec)factor;
    if (scale) v *= load(scale + i);
    if (bias) v += load(bias + i);
    store(y + i, v);
  }
  for (ptrdiff_t i = whole; i < count; i++) {
    float v = (x[i] - middle) * factor;
    if (scale) v *= scale[i];
    if (bias) v += bias[i];
    y[i] = v;
  }
  *mean = middle;
  *inverse = factor;
}
