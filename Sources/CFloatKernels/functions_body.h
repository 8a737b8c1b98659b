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
INLINE vec gelu_of(vec x, vec divisor) {
  vec e = erf_of(x / divisor);
  vec raised = e + (vec)1.0f;
  vec product = x * raised;
  return product * (vec)0.5f;
}

static void gelu(const float *x, ptrdiff_t count, float divisor, float *y) {
  ptrdiff_t i = 0;
  for (; i + FK_LANES <= count; i += FK_LANES) {
    store(y + i, gelu_of(load(x + i), (vec)divisor));
  }
  if (i < count) {
    store_part(y + i, gelu_of(load_part(x + i, count - i), (vec)divisor), count - i);
  }
}

/* A NaN anywhere makes the result NaN, as it does the sum of the exponentials. */
static void softmax(const float *x, ptrdiff_t count, float *y) {
  vec peaks = (vec)-INFINITY;
  ptrdiff_t whole = count / FK_LANES * FK_LANES;
  for (ptrdiff_t i = 0; i < whole; i += FK_LANES) {
    vec v = load(x + i);
    peaks = v > peaks ? v : peaks;
  }
  float peak = -INFINITY;
  for (int lane = 0; lane < FK_LANES; lane++) peak = peaks[lane] > peak ? peaks[lane] : peak;
  for (ptrdiff_t i = whole; i < count; i++) peak = x[i] > peak ? x[i] : peak;
  vec sums = (vec)0.0f;
  for (ptrdiff_t i = 0; i < whole; i += FK_LANES) {
    vec e = exp_of(load(x + i) - (vec)peak);
    store(y + i, e);
    sums += e;
  }
  double sum = 0;
  for (int lane = 0; lane < FK_LANES; lane++) sum += sums[lane];
  if (whole < count) {
    store_part(y + whole, exp_of(load_part(x + whole, count - whole) - (vec)peak), count - whole);
    for (ptrdiff_t i = whole; i < count; i++) sum += y[i];
  }
  const float scale = (float)(1 / sum);
  for (ptrdiff_t i = 0; i < count; i++) y[i] *= scale;
}
