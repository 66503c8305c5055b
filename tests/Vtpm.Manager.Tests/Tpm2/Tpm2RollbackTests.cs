using System.Security.Cryptography;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests.Tpm2;

/// <summary>Counters and NV areas of a TPM 2.0: each answer that the manager has to tell from the others.</summary>
public sealed class Tpm2RollbackTests : IDisposable
{
    private const uint Label = 0x7654_3210;
    private const int Size = 48;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private readonly Tpm2Machine _machine = new();
    private readonly TpmAuthData _auth = Auth();

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void Counter_MadeFoundAndCounted_OutlivesThePower()
    {
        HardwareCounter counter;
        using (IHardwareTpm tpm = _machine.Hardware())
        {
            Assert.Equal(RollbackStatus.Absent, tpm.FindCounter(Label).Status);
            counter = tpm.CreateCounter(Label, _auth).Value;
            Assert.NotEqual(0u, counter.Index);
            Assert.Equal(counter.Value, tpm.ReadCounter(counter.Index, _auth).Value);
            Assert.Equal(counter.Value + 1, tpm.IncrementCounter(counter.Index, _auth, Minute).Value);
        }

        _machine.PowerCycle();
        using IHardwareTpm again = _machine.Hardware();
        Assert.Equal(counter.Index, again.FindCounter(Label).Value);
        Assert.Equal(RollbackStatus.Absent, again.FindCounter(Label + 1).Status);
        Assert.Equal(RollbackStatus.Absent, again.FindCounter(Label ^ 0xFFF00000).Status);   // has the same index
        Assert.Equal(counter.Value + 1, again.ReadCounter(counter.Index, _auth).Value);
        Assert.Equal(counter.Value + 2, again.IncrementCounter(counter.Index, _auth, Minute).Value);
    }

    [Fact]
    public void Counter_MadeAnew_BeginsAboveAllThatThereWere()
    {
        using IHardwareTpm tpm = _machine.Hardware();
        HardwareCounter counter = tpm.CreateCounter(Label, _auth).Value;
        uint last = 0;
        for (int i = 0; i < 5; i++) last = tpm.IncrementCounter(counter.Index, _auth, Minute).Value;
        Assert.Equal(0u, RawTpm2.CodeOf(_machine.Raw.Send(0x122, [RawTpm2.Owner, counter.Index], [])));   // TPM2_NV_UndefineSpace
        Assert.Equal(RollbackStatus.Absent, tpm.ReadCounter(counter.Index, _auth).Status);
        Assert.True(tpm.CreateCounter(Label, _auth).Value.Value > last);
    }

    [Fact]
    public void Counter_ThatIsNotThereOrNotOurs_IsToldApart()
    {
        using IHardwareTpm tpm = _machine.Hardware();
        HardwareCounter ours = tpm.CreateCounter(Label, _auth).Value;
        Assert.Equal(RollbackStatus.Refused, tpm.CreateCounter(Label, _auth).Status);
        Assert.Equal(RollbackStatus.Refused, tpm.CreateCounter(Label ^ 0xFFF00000, _auth).Status);
        foreach (uint index in (uint[])[0, 1, ours.Index + 1, 0x40000001, 0x81000001, uint.MaxValue])
        {
            Assert.Equal(RollbackStatus.Absent, tpm.ReadCounter(index, _auth).Status);
            Assert.Equal(RollbackStatus.Absent, tpm.IncrementCounter(index, _auth, TimeSpan.Zero).Status);
        }

        for (int i = 0; i < 50; i++) Assert.Equal(RollbackStatus.Refused, tpm.IncrementCounter(ours.Index, Auth(), TimeSpan.Zero).Status);
        Assert.Equal(RollbackStatus.Refused, tpm.ReadCounter(ours.Index, Auth()).Status);
        Assert.Equal(ours.Value, tpm.ReadCounter(ours.Index, _auth).Value);   // Guesses have locked nothing.
    }

    [Fact]
    public void Counter_WhoseMakingWasInterrupted_IsMadeAgain()
    {
        using IHardwareTpm tpm = _machine.Hardware();
        _machine.Script = (request, send) => request[9] == 0x34 ? Code(0x101) : send(request);   // TPM2_NV_Increment
        Assert.Equal(RollbackStatus.Refused, tpm.CreateCounter(Label, _auth).Status);
        _machine.Script = null;
        Assert.Equal(RollbackStatus.Absent, tpm.FindCounter(Label).Status);
        Assert.True(tpm.CreateCounter(Label, _auth).IsDone);
        Assert.True(tpm.FindCounter(Label).IsDone);
    }

    [Fact]
    public void Counter_UntilThereIsNoRoom_SaysSo()
    {
        using IHardwareTpm tpm = _machine.Hardware();
        RollbackAnswer<HardwareCounter> answer = tpm.CreateCounter(1, _auth);
        for (uint label = 2; answer.IsDone && label < 10_000; label++) answer = tpm.CreateCounter(label, _auth);
        Assert.Equal(RollbackStatus.NoRoom, answer.Status);
        Assert.NotEmpty(answer.Reason);
    }

    [Fact]
    public void Increment_ThatIsThrottled_IsBusyAndNotCounted()
    {
        using IHardwareTpm tpm = _machine.Hardware();
        HardwareCounter counter = tpm.CreateCounter(Label, _auth).Value;
        _machine.Script = (request, send) => request[9] == 0x34 ? Code(0x920) : send(request);   // TPM_RC_NV_RATE
        Assert.Equal(RollbackStatus.Busy, tpm.IncrementCounter(counter.Index, _auth, TimeSpan.Zero).Status);
        _machine.Script = null;
        Assert.Equal(counter.Value + 1, tpm.IncrementCounter(counter.Index, _auth, TimeSpan.Zero).Value);
    }

    [Fact]
    public void Increment_AfterWhichTheSessionIsLost_IsNotDoneTwice()
    {
        using IHardwareTpm tpm = _machine.Hardware();
        HardwareCounter counter = tpm.CreateCounter(Label, _auth).Value;
        bool isLost = false;
        _machine.Script = (request, send) =>
        {
            if (request[9] != 0x4E || isLost) return send(request);   // TPM2_NV_Read
            isLost = true;
            return Code(0x918);   // TPM_RC_REFERENCE_S0
        };
        Assert.Equal(RollbackStatus.Busy, tpm.IncrementCounter(counter.Index, _auth, Minute).Status);
        Assert.True(isLost);
        Assert.Equal(counter.Value + 1, tpm.ReadCounter(counter.Index, _auth).Value);
        Assert.Equal(counter.Value + 2, tpm.IncrementCounter(counter.Index, _auth, Minute).Value);
    }

    [Fact]
    public void Increment_WhoseAnswerIsChanged_IsNotBelieved()
    {
        using IHardwareTpm tpm = _machine.Hardware();
        HardwareCounter counter = tpm.CreateCounter(Label, _auth).Value;
        _machine.Script = (request, send) =>
        {
            byte[] response = send(request);
            if (request[9] == 0x4E) response[20] ^= 1;   // TPM2_NV_Read
            return response;
        };
        Assert.Throws<Client.Tpm2IntegrityException>(() => tpm.ReadCounter(counter.Index, _auth));
    }

    [Fact]
    public void Area_DefinedAndWritten_OutlivesThePowerAndOpensToItsSecretOnly()
    {
        uint index;
        byte[] written = [.. Enumerable.Range(1, 16).Select(i => (byte)i)];
        using (IHardwareTpm tpm = _machine.Hardware())
        {
            index = tpm.AreaIndex(0x123);
            Assert.Equal(RollbackStatus.Absent, tpm.ReadArea(index, _auth, Size).Status);
            Assert.Equal(RollbackStatus.Absent, tpm.WriteArea(index, _auth, 0, new byte[1]).Status);
            Assert.Equal(index, tpm.DefineArea(index, _auth, Size).Value);
            Assert.Equal(Enumerable.Repeat((byte)0xFF, Size), tpm.ReadArea(index, _auth, Size).Value!);
            Assert.Equal(RollbackStatus.Refused, tpm.ReadArea(index, Auth(), Size).Status);
            Assert.True(tpm.WriteArea(index, _auth, 16, written).IsDone);
        }

        _machine.PowerCycle();
        using IHardwareTpm again = _machine.Hardware();
        byte[] content = again.ReadArea(index, _auth, Size).Value!;
        Assert.Equal(written, content[16..32]);
        Assert.All([.. content[..16], .. content[32..]], b => Assert.Equal(0xFF, b));
        Assert.True(again.WriteArea(index, _auth, 40, written.AsSpan(0, 8)).IsDone);
        Assert.Equal((byte[])[.. content[..40], .. written[..8]], again.ReadArea(index, _auth, Size).Value!);
        Assert.Equal(RollbackStatus.Refused, again.ReadArea(index, Auth(), Size).Status);
        Assert.Equal(RollbackStatus.Refused, again.WriteArea(index, Auth(), 0, new byte[1]).Status);
        Assert.Equal(RollbackStatus.Refused, again.WriteArea(index, _auth, Size - 1, new byte[2]).Status);
        Assert.DoesNotContain(_machine.Traffic, message => message.AsSpan().IndexOf(written) >= 0);
    }

    [Fact]
    public void Area_ThatIsTakenOrTooLarge_IsToldApart()
    {
        using IHardwareTpm tpm = _machine.Hardware();
        Assert.True(tpm.DefineArea(tpm.AreaIndex(1), _auth, Size).IsDone);
        Assert.True(tpm.WriteArea(tpm.AreaIndex(1), _auth, 0, new byte[Size]).IsDone);
        Assert.Equal(RollbackStatus.Refused, tpm.DefineArea(tpm.AreaIndex(1), Auth(), Size).Status);
        Assert.Equal(new byte[Size], tpm.ReadArea(tpm.AreaIndex(1), _auth, Size).Value!);
        Assert.Equal(RollbackStatus.NoRoom, tpm.DefineArea(tpm.AreaIndex(2), _auth, 60_000).Status);
        Assert.Equal(RollbackStatus.NoRoom, tpm.DefineArea(tpm.AreaIndex(2), _auth, 1_000_000).Status);
        Assert.Equal(4096, Enumerable.Range(0, 4096).Select(tpm.AreaIndex).Distinct().Count());
    }

    [Fact]
    public void Create_WithAnotherOwnersSecret_IsRefusedAndNamesTheArgument()
    {
        _machine.Raw.MakePersistent(RawTpm2.EccStorageKey, 0x81000001);
        _machine.Raw.SetOwnerAuth("owner"u8.ToArray());
        using IHardwareTpm tpm = _machine.Hardware();
        foreach (string reason in (string[])[tpm.CreateCounter(Label, _auth).Reason, tpm.DefineArea(tpm.AreaIndex(1), _auth, Size).Reason])
            Assert.StartsWith("owner_auth= is not this TPM's", reason, StringComparison.Ordinal);
    }

    private static byte[] Code(int code) => [0x80, 1, 0, 0, 0, 10, .. RawTpm2.BigEndian((uint)code)];

    private static TpmAuthData Auth() => new(RandomNumberGenerator.GetBytes(TpmAuthData.Size));
}
