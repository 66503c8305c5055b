using Vtpm.Client;
using Vtpm.TestKit;
using Vtpm.Tis.Tests.Support;
using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Tis.Tests;

/// <summary>A client that verifies every response, on this driver, on a TPM 1.2.</summary>
public class EngineTests
{
    [Theory]
    [InlineData(1, 0)]
    [InlineData(13, 2)]
    [InlineData(4096, 0)]
    public void Client_OwnsSealsAndUnseals(int burst, int looksPerBurst)
    {
        using TisRig rig = Rig(out _);
        (rig.Device.Burst, rig.Device.LooksPerBurst, rig.Device.LooksUntilValid) = (burst, looksPerBurst, 1);
        using var tpm = new TpmClient(rig.Connection, ownsConnection: false);
        using TpmSecret secret = TpmSecret.WellKnown();
        tpm.TakeOwnership(tpm.CreateEndorsementKeyPair(TpmKeys.EndorsementKey), secret, secret, TpmKeys.StorageRootKey);
        TpmStoredData blob;
        using (TpmSession srk = tpm.Osap(TpmEntityType.KeyHandle, TpmKeyHandle.Srk, secret))
            blob = tpm.Seal(TpmKeyHandle.Srk, srk, secret, [], "kept"u8);
        using (TpmSession srk = tpm.Oiap(secret))
        using (TpmSession data = tpm.Oiap(secret))
            Assert.Equal("kept"u8, tpm.Unseal(TpmKeyHandle.Srk, srk, data, blob));
    }

    [Fact]
    public void Engine_TellsItsTimings()
    {
        using TisRig rig = Rig(out _);
        // Xen's: docs of vtpm-stubdom.
        Assert.Equal(TimeSpan.FromSeconds(3), rig.Connection.Timings.Short);
        Assert.Equal(TimeSpan.FromSeconds(600), rig.Connection.Timings.Long);
        Assert.Equal(TimeSpan.FromSeconds(2), rig.Connection.Timings.B);
    }

    [Fact]
    public void Response_ReadTwiceOnAShortRead_IsVerifiedAllTheSame()
    {
        using TisRig rig = Rig(out TestTpm engine);
        _ = rig.Connection;
        (rig.Device.ShortResponses, rig.Device.ShortLength) = (2, 20);
        using var tpm = new TpmClient(rig.Connection, ownsConnection: false);
        TpmDigest digest = TpmDigest.Of("event"u8);
        TpmDigest extended = tpm.Extend(10, digest);
        // Read twice, executed once.
        Assert.Equal(2, rig.Device.Retries);
        Assert.Equal(TpmDigest.Of([.. new byte[TpmDigest.Size], .. digest.ReadOnlySpan]), extended);
        Assert.Equal(extended, engine.State.Pcrs[10]);
    }

    private static TisRig Rig(out TestTpm engine)
    {
        var tpm = new TestTpm();
        var rig = new TisRig(new TisOptions());
        rig.Device.Execute = request => tpm.Execute(request);
        engine = tpm;
        return rig;
    }
}
