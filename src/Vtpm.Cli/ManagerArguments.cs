using System.Globalization;
using Vtpm.Manager;
using Vtpm.Transports;

namespace Vtpm.Cli;

/// <summary>The arguments of Xen's vtpmmgr-stubdom, as they stand in the manager domain's <c>extra=</c>.</summary>
internal static class ManagerArguments
{
    private static readonly string[] Names = ["tpmdriver", "tpmiomem", "tpmirq", "tpmlocality", "owner_auth", "srk_auth", "tpm2", "srk_handle"];

    /// <summary>Whether a word of a kernel's command line is one of these: by its name, so that a wrong value is told.</summary>
    public static bool IsArgument(string word) => Names.Contains(word.Split('=', 2)[0]);

    public static ManagerOptions Parse(string[] arguments)
    {
        var hardware = new HardwareArguments();
        var options = new ManagerOptions { Hardware = TpmAddress.Named("none", "") };
        foreach (string argument in arguments)
        {
            string[] parts = argument.Split('=', 2);
            string? given = parts.Length == 2 ? parts[1] : null;
            if (hardware.With(parts[0], given) is { } with)
            {
                hardware = with;
                continue;
            }

            options = (parts[0], given) switch
            {
                ("tpmlocality", { } value) => options with { Locality = ParseLocality(argument, value) },
                ("owner_auth", { Length: > 0 } value) => options with { OwnerAuth = Options.ReadSecret("owner_auth=", value) },
                ("srk_auth", { Length: > 0 } value) => options with { SrkAuth = Options.ReadSecret("srk_auth=", value) },
                ("tpm2", "0" or "1") => options with { IsTpm2 = given == "1" },
                ("tpm2", _) => throw new UsageException($"'{argument}': write tpm2=1 when the hardware is a TPM 2.0"),
                ("srk_handle", { } value) => options with { SrkHandle = ParseHandle(argument, value) },
                _ => throw new UsageException(
                    $"'{argument}' is not an argument of the manager; known are tpmdriver=tpm_tis|tpmfront|ADDRESS, tpmiomem=ADDRESS, tpmirq=N|probe, tpmlocality=0..4, "
                    + "owner_auth=SECRET, srk_auth=SECRET, tpm2=1 and srk_handle=0x81xxxxxx"),
            };
        }

        if (options is { SrkHandle: not null, IsTpm2: false }) throw new UsageException("srk_handle= is for a TPM 2.0: add tpm2=1, or leave it out");
        return hardware.ApplyTo(options);
    }

    /// <summary>Hexadecimal with or without 0x, as the original reads it.</summary>
    private static uint ParseHandle(string argument, string value) =>
        uint.TryParse(value.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? value[2..] : value, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint handle)
            && handle >> 24 == 0x81
            ? handle
            : throw new UsageException($"'{argument}': write the handle of a persistent key, such as srk_handle=0x81000001");

    private static int ParseLocality(string argument, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int locality) && locality <= 4
            ? locality
            : throw new UsageException($"'{argument}': write tpmlocality=0 to tpmlocality=4");
}
