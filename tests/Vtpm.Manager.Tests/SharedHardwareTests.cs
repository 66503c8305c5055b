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

/// <summary>Others use the hardware TPM too: they unload keys, end sessions, fill slots, and take it away in the middle of a command.</summary>
public sealed class SharedHardwareTests : IDisposable
{
    private const int Attempts = 5;

    private static readonly Guid Uuid = new("11111111-2222-3333-4444-555555555555");

    private readonly EngineHardware _hardware = (EngineHardware)ManagerRig.CreateOwned(HardwareKind.Engine);
    private readonly byte[] _image = new byte[ManagerImage.DefaultLength];
    private readonly List<TpmOrdinal> _sent = [];
    private int _connections;

    /// <summary>What others do just before a command of the manager's, and what is answered in its place if anything.</summary>
    private Func<TpmOrdinal, byte[]?> _others = _ => null;

    /// <summary>What becomes of an answer on its way.</summary>
    private Action<TpmOrdinal> _afterwards = _ => { };

    public void Dispose() => _hardware.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(Attempts - 1)]
    public void Quote_WhoseKeyOthersUnload_IsMadeAgain(int times)
    {
        using ManagerRig rig = Provisioned();
        using VtpmManagerClient vtpm = rig.Vtpm(Uuid);
        vtpm.SaveHashKey(new byte[52]);
        _others = Evict(TpmOrdinal.Quote, TpmResourceType.Key, times);
        Assert.Equal(256, vtpm.GetQuote(new VtpmGetQuoteRequest { PcrSelection = TpmPcrSelection.Of(0) }).Signature.Length);
        Assert.Equal(times + 1, _sent.Count(ordinal => ordinal == TpmOrdinal.Quote));
        Assert.Equal(times, rig.Log.Count(line => line.Contains("others use the hardware TPM; trying again", StringComparison.Ordinal)));
        Assert.DoesNotContain(rig.Log, line => line.Contains("stays loaded", StringComparison.Ordinal));
        HasNothingLoaded();
    }

    [Fact]
    public void Quote_WhoseKeyOthersUnloadEveryTime_IsReported()
    {
        using ManagerRig rig = Provisioned();
        using VtpmManagerClient vtpm = rig.Vtpm(Uuid);
        vtpm.SaveHashKey(new byte[52]);
        _others = Evict(TpmOrdinal.Quote, TpmResourceType.Key, int.MaxValue);
        var e = Assert.Throws<VtpmManagerException>(() => vtpm.GetQuote(new VtpmGetQuoteRequest { PcrSelection = TpmPcrSelection.Of(0) }));
        Assert.Equal(TpmResult.InvalidKeyHandle, e.Result);
        Assert.Equal(Attempts, _sent.Count(ordinal => ordinal == TpmOrdinal.Quote));

        _others = _ => null;
        Assert.Equal(256, vtpm.GetQuote(new VtpmGetQuoteRequest { PcrSelection = TpmPcrSelection.Of(0) }).Signature.Length);
    }

    [Theory]
    [InlineData(TpmOrdinal.Unseal)]
    [InlineData(TpmOrdinal.Oiap)]
    public void Image_WhoseSessionsOthersEnd_Opens(TpmOrdinal before)
    {
        using ManagerRig rig = Provisioned();
        _others = Evict(before, TpmResourceType.Auth, 2);
        rig.Restart();
        Assert.True(rig.Manager.IsProvisioned);
        HasNothingLoaded();
    }

    [Theory]
    [InlineData(TpmResult.Resources)]
    [InlineData(TpmResult.InvalidAuthHandle)]
    [InlineData(TpmResult.KeyNotFound)]
    public void Image_ThatTheTpmDoesNotComeToUnseal_IsNeverReplaced(TpmResult result)
    {
        using (ManagerRig rig = Provisioned())
        using (VtpmManagerClient vtpm = rig.Vtpm(Uuid)) vtpm.SaveHashKey(new byte[52]);
        byte[] before = [.. _image];
        _others = ordinal => ordinal == TpmOrdinal.Unseal ? Answer(result) : null;
        // Even when it was asked for in the place of an image that does not open: this one would.
        string message = Assert.Throws<ManagerException>(() => Start(options => options with { CreateFresh = true }, provision: false)).Message;
        Assert.Contains("Nothing was changed", message, StringComparison.Ordinal);
        Assert.Equal(before, _image);

        _others = _ => null;
        using ManagerRig after = Start(options => options with { CreateFresh = true }, provision: false);
        using VtpmManagerClient again = after.Vtpm(Uuid);
        Assert.Equal(52, again.LoadHashKey(new byte[64]));
    }

    [Theory]
    [InlineData(TpmOrdinal.Oiap, TpmResult.Resources)]
    [InlineData(TpmOrdinal.LoadKey, TpmResult.NoSpace)]
    [InlineData(TpmOrdinal.LoadKey, TpmResult.Resources)]
    [InlineData(TpmOrdinal.Quote, TpmResult.InvalidAuthHandle)]
    public void Slots_ThatOthersFill_AreWaitedFor(TpmOrdinal refused, TpmResult result)
    {
        using ManagerRig rig = Provisioned();
        using VtpmManagerClient vtpm = rig.Vtpm(Uuid);
        vtpm.SaveHashKey(new byte[52]);
        int refusals = 2;
        _others = ordinal => ordinal == refused && refusals-- > 0 ? Answer(result) : null;
        Assert.Equal(256, vtpm.GetQuote(new VtpmGetQuoteRequest { PcrSelection = TpmPcrSelection.Of(0) }).Signature.Length);
        Assert.True(refusals < 0);
        HasNothingLoaded();
    }

    [Fact]
    public void Seal_WhoseSessionOthersEnd_IsDoneAgain()
    {
        using ManagerRig rig = Start(options => options, provision: false);
        _others = Evict(TpmOrdinal.Seal, TpmResourceType.Auth, 2);
        rig.Provision();
        Assert.True(rig.Manager.IsProvisioned);
        rig.Restart();
        Assert.True(rig.Manager.IsProvisioned);
    }

    [Theory]
    [InlineData(TpmOrdinal.Oiap)]
    [InlineData(TpmOrdinal.Unseal)]
    [InlineData(TpmOrdinal.PcrRead)]
    [InlineData(TpmOrdinal.GetCapability)]
    public void Command_ThatIsInterrupted_IsSentAgainOverANewLink(TpmOrdinal interrupted)
    {
        using ManagerRig rig = Provisioned();
        int connections = _connections;
        int times = 2;
        _others = ordinal => ordinal == interrupted && times-- > 0 ? throw Interrupted() : null;
        rig.Restart();
        Assert.True(rig.Manager.IsProvisioned);
        Assert.Equal(3, _connections - connections);
        Assert.Contains(rig.Log, line => line.Contains("somebody has it: trying again", StringComparison.Ordinal));
    }

    [Fact]
    public void Command_ThatIsInterruptedEveryTime_IsReported()
    {
        using (ManagerRig rig = Provisioned()) Assert.True(rig.Manager.IsProvisioned);
        int connections = _connections;
        byte[] before = [.. _image];
        _others = _ => throw Interrupted();
        var e = Assert.Throws<TpmTransportException>(() => Start(options => options with { CreateFresh = true }, provision: false));
        Assert.Equal(TpmTransportFault.Interrupted, e.Fault);
        Assert.Equal(Attempts, _connections - connections);
        Assert.Equal(before, _image);
    }

    [Fact]
    public void Counter_WhoseMakingIsInterrupted_IsMadeOnce()
    {
        using ManagerRig rig = Provisioned();
        int interruptions = 1;
        _afterwards = ordinal =>
        {
            if (ordinal == TpmOrdinal.CreateCounter && interruptions-- > 0) throw Interrupted();
        };
        using var tpm = new TpmClient(_hardware.Connect());
        int before = tpm.GetHandles(TpmResourceType.Counter).Length;
        IHardwareTpm hardware = rig.Manager.Service.Hardware;
        HardwareCounter counter = hardware.CreateCounter(0x1234, new TpmAuthData(new byte[20])).Value;
        Assert.Equal(before + 1, tpm.GetHandles(TpmResourceType.Counter).Length);
        Assert.Equal(counter.Index, hardware.FindCounter(0x1234).Value);
        Assert.Equal(0, interruptions);
    }

    [Theory]
    [InlineData(TpmOrdinal.CreateEndorsementKeyPair)]
    [InlineData(TpmOrdinal.TakeOwnership)]
    [InlineData(TpmOrdinal.DisablePubekRead)]
    public void SetUp_ThatIsInterruptedAfterACommandThatWorksOnce_GoesOn(TpmOrdinal interrupted)
    {
        using var hardware = new EngineHardware();
        int interruptions = 1;
        _afterwards = ordinal =>
        {
            if (ordinal == interrupted && interruptions-- > 0) throw Interrupted();
        };
        using var rig = new ManagerRig(hardware, new byte[ManagerImage.DefaultLength], with: options => options with
        {
            Connect = _ => Shared(hardware.Connect()),
            RetryPause = TimeSpan.Zero,
        });
        Assert.True(rig.Manager.Hardware.TookOwnership);
        Assert.NotNull(rig.Manager.Hardware.EndorsementKeySha256);
        using var tpm = new TpmClient(hardware.Connect());
        Assert.Equal(TpmResult.DisabledCmd, Assert.Throws<TpmCommandException>(() => tpm.ReadPubek()).Result);
        Assert.True(interruptions < 1);
    }

    [Fact]
    public void WrongSecret_IsNotTriedAgain_SinceTheTpmCountsThose()
    {
        using (ManagerRig rig = Provisioned()) Assert.True(rig.Manager.IsProvisioned);
        _sent.Clear();
        Assert.Throws<ManagerException>(() => Start(options => options with { SrkAuth = "text:wrong" }, provision: false));
        Assert.Single(_sent, TpmOrdinal.Unseal);
    }

    private ManagerRig Provisioned() => Start(options => options, provision: true);

    private ManagerRig Start(Func<ManagerOptions, ManagerOptions> with, bool provision) =>
        new(_hardware, _image, provision, options => with(options) with { Connect = _ => Shared(_hardware.Connect()), RetryPause = TimeSpan.Zero });

    private ScriptedConnection Shared(ITpmConnection tpm)
    {
        _connections++;
        return ScriptedConnection.Around(tpm, (request, send) =>
        {
            var ordinal = (TpmOrdinal)BinaryPrimitives.ReadUInt32BigEndian(request.AsSpan(6));
            _sent.Add(ordinal);
            byte[] answer = _others(ordinal) ?? send(request);
            _afterwards(ordinal);
            return answer;
        });
    }

    /// <summary>Others end everything of a kind, so many times before a command.</summary>
    private Func<TpmOrdinal, byte[]?> Evict(TpmOrdinal before, TpmResourceType type, int times) => ordinal =>
    {
        if (ordinal == before && times-- > 0)
        {
            using var others = new TpmClient(_hardware.Connect());
            foreach (uint handle in others.GetHandles(type)) others.FlushSpecific(handle, type);
        }

        return null;
    };

    private void HasNothingLoaded()
    {
        using var tpm = new TpmClient(_hardware.Connect());
        Assert.Empty(tpm.GetHandles(TpmResourceType.Key));
        Assert.Empty(tpm.GetHandles(TpmResourceType.Auth));
    }

    private static TpmTransportException Interrupted() => new(TpmTransportFault.Interrupted, "somebody has it");

    private static byte[] Answer(TpmResult result) =>
        WireFormat.ToBytes(new TpmHeader { Tag = TpmTag.RspCommand, ParamSize = TpmHeader.Size, Code = (uint)result });
}
