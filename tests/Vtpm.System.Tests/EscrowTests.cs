using System.Runtime.Versioning;
using Vtpm.Client;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.SystemTests;

/// <summary>A machine whose only approved configuration is lost opens its image by an escrow, all by the command line.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class EscrowTests
{
    [Fact]
    public void ConfigurationLost_TheEscrowOpensTheImageUntilThePresentOneIsApproved()
    {
        using Site site = Site.Provisioned();
        site.Manage("vtpm-add", "0", $"{site.Uuid}");
        Assert.Contains("MANUFACTURING", site.StartVtpm().Log, StringComparison.Ordinal);
        site.StopVtpm();
        site.Manage("escrow", site["site.escrow"]);
        site.ManageRefused("is there already", "escrow", site["site.escrow"]);
        using (var tpm = new TpmClient(TpmConnection.Open(site.Hardware))) tpm.Extend(0, TpmDigest.Of("another firmware"u8));

        string said = site.Do("approve", "escrow-open", "--key", site.KeyFile, site["site.escrow"], site["recovery.key"]);
        Assert.Contains("delete it", said, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(site["recovery.key"]));
        (int exitCode, string output) = VtpmProcess.Run(["approve", "escrow-open", "--key", site.KeyFile, site["recovery.key"], site["again"]]);
        Assert.Equal(1, exitCode);
        Assert.Contains("no escrow", output, StringComparison.Ordinal);

        site.StartManager("--recovery", site["recovery.key"]);
        Assert.Contains("IT WAS OPENED BY THE RECOVERY KEY", site.Manager.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("MANUFACTURING", site.StartVtpm().Log, StringComparison.Ordinal);
        site.StopVtpm();
        site.Approve(0, 2);
        File.Delete(site["recovery.key"]);
        site.StartManager();
        Assert.DoesNotContain("MANUFACTURING", site.StartVtpm().Log, StringComparison.Ordinal);
    }
}
