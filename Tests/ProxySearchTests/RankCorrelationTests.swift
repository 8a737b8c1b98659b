import Testing

@testable import ProxySearch

@Suite struct RankCorrelationTests {
  @Test func orderIsAllThatCounts() {
    let values = [3.0, 1, 4, 1.5, 9]
    #expect(RankCorrelation.spearman(values, values.map { $0 * $0 }) == 1)
    #expect(RankCorrelation.kendall(values, values.map { -$0 }) == -1)
  }

  /// Ranks 1, 2.5, 2.5, 4 and 1, 3.5, 2, 3.5: rho = 3.75 / 4.5; four of five pairs agree.
  @Test func tiesShareTheirRanks() throws {
    let (a, b) = ([1.0, 2, 2, 3], [1.0, 3, 2, 3])
    #expect(RankCorrelation.ranks(b) == [1, 3.5, 2, 3.5])
    #expect(abs(try #require(RankCorrelation.spearman(a, b)) - 3.75 / 4.5) < 1e-12)
    #expect(abs(try #require(RankCorrelation.kendall(a, b)) - 0.8) < 1e-12)
  }

  /// The textbook's ten pupils: rho = 1 - 6 * 194 / (10 * 99).
  @Test func knownValue() throws {
    let intelligence = [106.0, 100, 86, 101, 99, 103, 97, 113, 112, 110]
    let hours = [7.0, 27, 2, 50, 28, 29, 20, 12, 6, 17]
    let rho = try #require(RankCorrelation.spearman(intelligence, hours))
    #expect(abs(rho - (1 - 6 * 194.0 / 990)) < 1e-12)
    let tau = try #require(RankCorrelation.kendall(intelligence, hours))
    #expect(abs(tau - (-5.0 / 45)) < 1e-12)
  }

  @Test func whatDoesNotVaryHasNone() {
    #expect(RankCorrelation.spearman([1, 1, 1], [1, 2, 3]) == nil)
    #expect(RankCorrelation.kendall([1, 2, 3], [4, 4, 4]) == nil)
    #expect(RankCorrelation.spearman([1], [1]) == nil)
  }

  @Test func similarFeaturesAreThoseThatOrderSamplesAlike() {
    let first: [[Float]] = [[1, 0], [0, 0], [-1, 0], [0, 0]]
    let scaled = first.map { sample in sample.map { 3 * $0 + 5 } }
    let other: [[Float]] = [[0], [1], [0], [-1]]
    let matrix = FeatureSimilarity.matrix([first, scaled, other])
    #expect(abs(matrix[0][1] - 1) < 1e-9)
    #expect(abs(matrix[0][2]) < 1e-9)
    #expect(abs(matrix[2][2] - 1) < 1e-9)
  }

  @Test func bestPlansAreThoseOfLeastDamage() {
    let predicted: [Double] = [1, 2, 3, 9, 8, 7]
    let found: [Double] = [1, 2, 3, 4, 5, 6]
    #expect(RankCorrelation.spearman(predicted, found, best: 0.5) == 1)
    #expect(RankCorrelation.spearman(predicted, found, best: 0.2) == 1)
    #expect(RankCorrelation.spearman(predicted.reversed(), found, best: 0.5) == 1)
    #expect(RankCorrelation.spearman([3, 2, 1, 9, 8, 7], found, best: 0.5) == -1)
  }
}
