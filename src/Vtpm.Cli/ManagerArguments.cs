using System.Globalization;
using Vtpm.Manager;
using Vtpm.Transports;

namespace Vtpm.Cli;

/// <summary>The arguments of Xen's vtpmmgr-stubdom, as they stand in the manager domain's <c>extra=</c>.</summary>
internal static class ManagerArguments
{
    public static ManagerOptions Parse(string[] arguments)
    {
        string? driver = null;
        var options = new ManagerOptions { Hardware = TpmAddress.Named("none", "") };
        foreach (string argument in arguments)
        {
            string[] parts = argument.Split('=', 2);
            options = (parts[0], parts.Length == 2 ? parts[1] : null) switch
            {
                ("tpmdriver", { Length: > 0 } value) => options with { Hardware = ParseDriver(argument, driver = value) },
                ("tpmlocality", { } value) => options with { Locality = ParseLocality(argument, value) },
                ("owner_auth", { Length: > 0 } value) => options with { OwnerAuth = Options.ReadSecret("owner_auth=", value) },
                ("srk_auth", { Length: > 0 } value) => options with { SrkAuth = Options.ReadSecret("srk_auth=", value) },
                _ => throw new UsageException($"'{argument}' is not an argument of the manager; known are tpmdriver=ADDRESS, tpmlocality=0..4, owner_auth=SECRET and srk_auth=SECRET"),
            };
        }

        return driver is null ? throw new UsageException("which hardware TPM? Write tpmdriver=/dev/tpm0, tpmdriver=unix:PATH or tpmdriver=tcp:HOST:PORT") : options;
    }

    private static TpmAddress ParseDriver(string argument, string value)
    {
        try
        {
            return TpmAddress.Parse(value);
        }
        catch (FormatException exception)
        {
            throw new UsageException($"'{argument}': {exception.Message}");
        }
    }

    private static int ParseLocality(string argument, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int locality) && locality <= 4
            ? locality
            : throw new UsageException($"'{argument}': write tpmlocality=0 to tpmlocality=4");
}
