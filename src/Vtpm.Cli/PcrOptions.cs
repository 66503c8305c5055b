using System.CommandLine;
using Vtpm.Client;
using Vtpm.Manager;

namespace Vtpm.Cli;

/// <summary>The two ways of naming hardware PCRs.</summary>
internal sealed class PcrOptions
{
    public Option<string> List { get; } = new("--pcrs") { Description = "The PCRs, as numbers and ranges. [default: 0-7,17-19]", HelpName = "LIST" };

    public Option<string> Mask { get; } = new("--mask") { Description = "The PCRs, as a mask in hexadecimal: bit n for PCR n.", HelpName = "HEX" };

    public uint Read(ParseResult result)
    {
        (string? mask, string? list) = (result.GetValue(Mask), result.GetValue(List));
        if (mask is not null && list is not null) throw new UsageException("--mask and --pcrs say the same: give one of them");
        uint pcrs = ProvisioningOptions.DefaultPcrMask;
        if (mask is not null && !PcrList.TryParseMask(mask, out pcrs))
            throw new UsageException($"--mask {mask}: write up to 6 hex digits, such as 0e00ff");
        if (list is not null && !PcrList.TryParse(list, out pcrs))
            throw new UsageException($"--pcrs {list}: write numbers from 0 to 23 and ranges, such as 0-7,17-19");
        return pcrs;
    }
}
