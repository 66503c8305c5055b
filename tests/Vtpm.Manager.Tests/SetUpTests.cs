using System.Buffers.Binary;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.TestKit;
using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>What the manager makes of the hardware TPM it finds.</summary>
public class SetUpTests
{
    [Fact]
    public void Start_OnATpmThatWasNotStarted_StartsIt()
    {
        using var hardware = new EngineHardware(new TestTpm(started: false));
        using var rig = new ManagerRig(hardware, new byte[ManagerImage.DefaultLength]);
        Assert.Contains(rig.Log, line => line.StartsWith("INFO[TPM]: TPM_Startup(ST_CLEAR)", StringComparison.Ordinal));
        Assert.True(rig.Manager.IsProvisioned);
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Start_OnATpmWithLeftovers_FlushesThem(HardwareKind kind)
    {
        using var hardware = ManagerRig.CreateOwned(kind);
        using TpmSecret secret = TpmSecret.WellKnown();
        using (var tpm = new TpmClient(hardware.Connect()))
        {
            tpm.Oiap(secret);
            tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, secret);
        }

        using (var rig = new ManagerRig(hardware, new byte[ManagerImage.DefaultLength], provision: false))
            Assert.Contains(rig.Log, line => line.Contains("flushed 2 handles", StringComparison.Ordinal));
        using var after = new TpmClient(hardware.Connect());
        Assert.Empty(after.GetHandles(TpmResourceType.Auth));
        Assert.Empty(after.GetHandles(TpmResourceType.Key));
    }

    [Theory]
    [InlineData(HardwareKind.Engine)]
    [InlineData(HardwareKind.Swtpm)]
    public void Everything_AManagerDoes_LeavesNothingLoaded(HardwareKind kind)
    {
        using var hardware = ManagerRig.CreateOwned(kind);
        using (var rig = new ManagerRig(hardware, new byte[ManagerImage.DefaultLength]))
        using (VtpmManagerClient vtpm = rig.Vtpm(Guid.NewGuid()))
        {
            vtpm.SaveHashKey(new byte[52]);
            vtpm.GetQuote(new VtpmGetQuoteRequest { PcrSelection = TpmPcrSelection.Of(0) });
        }

        using var after = new TpmClient(hardware.Connect());
        Assert.Empty(after.GetHandles(TpmResourceType.Auth));
        Assert.Empty(after.GetHandles(TpmResourceType.Key));
    }

    [Fact]
    public void Start_WithAnotherOwnersSecret_SaysSoAndWorksWithoutIt()
    {
        using var hardware = new EngineHardware();
        byte[] image = new byte[ManagerImage.DefaultLength];
        Guid uuid = Guid.NewGuid();
        using (var rig = new ManagerRig(hardware, image))
        using (VtpmManagerClient vtpm = rig.Vtpm(uuid)) vtpm.SaveHashKey(new byte[52]);

        using var without = new ManagerRig(hardware, image, provision: false, with: options => options with { OwnerAuth = "text:wrong" });

        Assert.Contains(without.Log, line => line.Contains("owner_auth= is not this TPM's", StringComparison.Ordinal));
        Assert.Null(without.Manager.Hardware.EndorsementKeySha256);
        using VtpmManagerClient again = without.Vtpm(uuid);
        Assert.Equal(52, again.LoadHashKey(new byte[64]));
    }

    [Fact]
    public void Start_WithAnotherSrkSecret_RefusesAndNamesTheArgument()
    {
        using var hardware = new EngineHardware();
        byte[] image = new byte[ManagerImage.DefaultLength];
        using (new ManagerRig(hardware, image)) Assert.Contains(image, b => b != 0);
        string message = Assert.Throws<ManagerException>(() => new ManagerRig(hardware, image, provision: false, with: options => options with { SrkAuth = "text:wrong" })).Message;
        Assert.Contains("srk_auth= is not this TPM's", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Provision_WithAnotherSrkSecret_FailsAndNamesTheArgument()
    {
        using var hardware = ManagerRig.CreateOwned(HardwareKind.Engine);
        using var rig = new ManagerRig(hardware, new byte[ManagerImage.DefaultLength], provision: false, with: options => options with { SrkAuth = "text:wrong" });
        Assert.Throws<ManagerException>(() => rig.Provision());
        Assert.False(rig.Manager.IsProvisioned);
    }

    [Theory]
    [InlineData("hash:000102030405060708090a0b0c0d0e0f10111213", "text:srk")]
    [InlineData("text:owner", "well-known")]
    public void Start_WithSecretsOfEachForm_TakesOwnershipWithThem(string owner, string srk)
    {
        using var hardware = new EngineHardware();
        byte[] image = new byte[ManagerImage.DefaultLength];
        for (int i = 0; i < 2; i++)
        {
            using var rig = new ManagerRig(hardware, image, with: options => options with { OwnerAuth = owner, SrkAuth = srk });
            Assert.NotNull(rig.Manager.Hardware.EndorsementKeySha1);
        }
    }

    [Theory]
    [InlineData("owner_auth")]
    [InlineData("srk_auth")]
    public void Start_WithAMalformedSecret_NamesTheArgument(string argument)
    {
        using var hardware = new EngineHardware();
        var error = Assert.Throws<ManagerException>(() => new ManagerRig(hardware, new byte[ManagerImage.DefaultLength], provision: false, with: options =>
            argument == "owner_auth" ? options with { OwnerAuth = "password" } : options with { SrkAuth = "password" }));
        Assert.StartsWith(argument + "=: ", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("password", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("00c10000000a00000070")]     // TPM_PhysicalDisable
    [InlineData("00c10000000b0000007201")]   // TPM_PhysicalSetDeactivated(TRUE)
    public void Start_OnATpmThatIsDisabledOrDeactivated_SaysWhatToDo(string switchedOff)
    {
        using var hardware = new EngineHardware();
        using (var tpm = new TpmClient(hardware.Connect()))
        {
            tpm.PhysicalPresence(TpmPhysicalPresence.CmdEnable);
            tpm.PhysicalPresence(TpmPhysicalPresence.Present);
            tpm.Transmit(Convert.FromHexString(switchedOff), new byte[64], out TpmResult result);
            Assert.Equal(TpmResult.Success, result);
        }

        hardware.PowerCycle();
        string message = Assert.Throws<ManagerException>(() => new ManagerRig(hardware, new byte[ManagerImage.DefaultLength])).Message;
        Assert.Contains("enable and activate it", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_OnATpmThatIsBusy_Waits()
    {
        using var hardware = new EngineHardware();
        int busy = 3;
        using var rig = new ManagerRig(hardware, new byte[ManagerImage.DefaultLength], with: options => options with
        {
            Connect = address => ScriptedConnection.Around(options.Connect(address), (request, send) => busy-- > 0 ? Answer(TpmResult.Retry) : send(request)),
        });
        Assert.True(rig.Manager.IsProvisioned);
    }

    [Fact]
    public void Start_OnATpmThatWantsItsSelfTest_RunsIt()
    {
        using var hardware = new EngineHardware();
        bool tested = false;
        using var rig = new ManagerRig(hardware, new byte[ManagerImage.DefaultLength], with: options => options with
        {
            Connect = address => ScriptedConnection.Around(options.Connect(address), (request, send) =>
            {
                tested |= (TpmOrdinal)BinaryPrimitives.ReadUInt32BigEndian(request.AsSpan(6)) == TpmOrdinal.ContinueSelfTest;
                return tested ? send(request) : Answer(TpmResult.NeedsSelfTest);
            }),
        });
        Assert.True(rig.Manager.IsProvisioned);
    }

    [Fact]
    public void Start_OnATpmThatDefendsItself_SaysSoAtOnce()
    {
        using var hardware = new EngineHardware();
        string message = Assert.Throws<ManagerException>(() => new ManagerRig(hardware, new byte[ManagerImage.DefaultLength], provision: false, with: options => options with
        {
            Connect = address => ScriptedConnection.Around(options.Connect(address), (request, send) => Answer(TpmResult.DefendLockRunning)),
        })).Message;
        Assert.Contains("DefendLockRunning", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_WithoutHardware_IsATransportError()
    {
        var error = Assert.Throws<TpmTransportException>(() => VtpmManager.Start(new ManagerOptions { Hardware = TpmAddress.Unix("/nonexistent/tpm.sock"), Image = new MemoryBlockStore(1 << 21) }));
        Assert.Contains("/nonexistent/tpm.sock", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(5)]
    public void Start_AtALocalityThatIsNone_IsRefused(int locality)
    {
        using var hardware = new EngineHardware();
        Assert.Throws<ManagerException>(() => new ManagerRig(hardware, new byte[ManagerImage.DefaultLength], provision: false, with: options => options with { Locality = locality }));
    }

    [Fact]
    public void Image_SealedAtOneLocality_DoesNotOpenAtAnother()
    {
        var tpm = new TestTpm { Locality = 2 };
        using var hardware = new EngineHardware(tpm);
        byte[] image = new byte[ManagerImage.DefaultLength];
        using (var rig = new ManagerRig(hardware, image, with: options => options with { Locality = 2 })) Assert.True(rig.Manager.IsProvisioned);
        using (new ManagerRig(hardware, image, provision: false, with: options => options with { Locality = 2 })) tpm.Locality = 0;
        Assert.Throws<ManagerException>(() => new ManagerRig(hardware, image, provision: false, with: options => options with { Locality = 2 }));
    }

    private static byte[] Answer(TpmResult result) => WireFormat.ToBytes(new TpmHeader { Tag = TpmTag.RspCommand, ParamSize = TpmHeader.Size, Code = (uint)result });
}
