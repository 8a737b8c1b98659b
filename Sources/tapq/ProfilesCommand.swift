import ArgumentParser
import Foundation
import Pipeline

struct ProfilesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profiles", abstract: "List, show and check hardware profiles.",
    subcommands: [List.self, Show.self, Validate.self, ProfilesCalibrateCommand.self])

  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "list", abstract: "List the profiles that ship, and those of $TAPQ_PROFILES.")

    @Flag(help: "Print the list as JSON.")
    var json = false

    func run() throws {
      let listing = ProfileListing.run()
      for error in listing.errors { Console.error(error.text) }
      if listing.folders.isEmpty {
        Console.error("no folder of profiles was found; set TAPQ_PROFILES to one")
      }
      if json {
        try Console.json(listing)
      } else {
        Console.result(
          Console.table(
            [["name", "device", "flash", "RAM", "weight bits", "figures"]]
              + listing.profiles.map { row in
                [
                  row.name, row.title, row.flash.map(ByteSize.text) ?? "-",
                  row.ram.map(ByteSize.text) ?? "-",
                  row.weightBits.map(String.init).joined(separator: ","), row.provenance.rawValue,
                ]
              }))
      }
      if !listing.errors.isEmpty || listing.folders.isEmpty { throw ExitCode(2) }
    }
  }

  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "show", abstract: "Show a profile with what it inherits, in seconds.")

    @Argument(help: "A name that `tapq profiles list` shows, or a .yaml file.")
    var profile: String

    @Flag(help: "Print the profile as JSON.")
    var json = false

    func run() throws {
      let profile = try ProfileLookup.run(profile)
      if json { return try Console.json(profile) }
      Console.result(ProfileText.text(profile))
    }
  }

  struct Validate: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "validate", abstract: "Check profiles; say every error with its line.")

    @Argument(help: "The .yaml files.")
    var files: [String]

    @Flag(help: "Print the errors as JSON.")
    var json = false

    func run() throws {
      let check = ProfileCheck.run(files: files)
      if json {
        try Console.json(check)
      } else {
        for error in check.errors { Console.note(error.text) }
        if check.isValid {
          Console.result("\(files.count) \(files.count == 1 ? "profile is" : "profiles are") valid")
        }
      }
      if !check.isValid { throw ExitCode(2) }
    }
  }
}
