using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Engine;
using Vtpm.Storage;
using Vtpm.TestKit;
using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests.Support;

/// <summary>A manager whose disk is copied and put back, on a TPM that is not; and what passes between the two can be interfered with.</summary>
internal sealed class RollbackRig : IDisposable
{
    public static readonly Guid Vtpm = new("41111111-2222-3333-4444-555555555555");

    private readonly EngineHardware _hardware = (EngineHardware)ManagerRig.CreateOwned(HardwareKind.Engine);

    public RollbackRig(Func<ManagerOptions, ManagerOptions>? with = null, bool provision = true) =>
        Rig = new ManagerRig(_hardware, new byte[64 * 4096], provision, options => Options(with?.Invoke(options) ?? options));

    public ManagerRig Rig { get; }

    public ManualTime Time { get; } = new();

    public TestTpm Tpm => _hardware.Tpm;

    /// <summary>Stands in the way of each command; null sends it on.</summary>
    public Func<TpmOrdinal, byte[]?>? Intercept { get; set; }

    public ManagerImage Image => Rig.Manager.Service.Image;

    /// <summary>What the image's counter stands at, by the TPM's own state.</summary>
    public uint Counter => Tpm.State.Permanent.Counters.Counters.Find(Image.CounterIndex)!.Value;

    public string Log => string.Join('\n', Rig.Log);

    /// <summary>The response of a TPM that answers with that code alone.</summary>
    public static byte[] Answer(TpmResult result) =>
        WireFormat.ToBytes(new TpmHeader { Tag = TpmTag.RspCommand, ParamSize = TpmHeader.Size, Code = (uint)result });

    public byte[] Copy() => [.. Rig.Image];

    /// <summary>The manager is killed, the disk is another one, and everything starts again, the machine too.</summary>
    public void StartWith(byte[] disk, Func<ManagerOptions, ManagerOptions>? with = null)
    {
        Rig.Manager.Dispose();
        disk.CopyTo(Rig.Image, 0);
        Tpm.PowerCycle();
        Rig.Restart(options => Options(with?.Invoke(options) ?? options));
    }

    public void Restart(Func<ManagerOptions, ManagerOptions>? with = null) => StartWith(Copy(), with);

    /// <returns>Why it does not start with that disk, which it leaves as it was.</returns>
    public string Refusal(byte[] disk, Func<ManagerOptions, ManagerOptions>? with = null)
    {
        string message = Assert.Throws<ManagerException>(() => StartWith(disk, with)).Message;
        Assert.Equal(disk, Rig.Image);
        return message;
    }

    public void Save(byte content)
    {
        byte[] key = new byte[VtpmHashKey.MinSize];
        key.AsSpan().Fill(content);
        using VtpmManagerClient vtpm = Rig.Vtpm(Vtpm);
        vtpm.SaveHashKey(key);
    }

    public byte Load()
    {
        byte[] key = new byte[VtpmHashKey.MaxSize];
        using VtpmManagerClient vtpm = Rig.Vtpm(Vtpm);
        Assert.NotEqual(0, vtpm.LoadHashKey(key));
        return key[0];
    }

    /// <summary>A save that is due to take the counter with it.</summary>
    public void SaveLater(byte content)
    {
        Time.Advance(TimeSpan.FromMinutes(10));
        Save(content);
    }

    public TpmResult DeleteVtpm() => Rig.Send(
        ManagerLink.ToAdministrator(), TpmTag.VtpmReq2, (uint)VtpmManagerOrdinal.VtpmDel, Vtpm.ToByteArray(bigEndian: true));

    /// <summary>Group 0's authority approves platforms, in the place of those before.</summary>
    public TpmResult Approve(ulong sequence, params TpmDigest[] platforms)
    {
        var config = new VtpmConfigList { Sequence = sequence, Platforms = platforms, Kernels = [TpmDigest.Of("*:vtpm:socket"u8)] };
        byte[] signed = WireFormat.ToBytes(config);
        using RSA authority = RSA.Create();
        authority.ImportFromPem(File.ReadAllText(Rig.KeyPath));
        byte[] selections = [.. platforms.SelectMany(_ => (byte[])[0, 3, 0xFF, 0, 0x0E])];
        byte[] signature = authority.SignData(signed, HashAlgorithmName.SHA1, RSASignaturePadding.Pkcs1);
        return Rig.Send(
            ManagerLink.ToAdministrator(), TpmTag.VtpmReq2, (uint)VtpmManagerOrdinal.GroupUpdate, [0, 0, 0, 0, .. signature, .. signed, .. selections]);
    }

    /// <summary>The present composite hash of what <see cref="Approve"/> selects: PCRs 0-7 and 17-19.</summary>
    public TpmDigest PresentPlatform()
    {
        using var tpm = new TpmClient(_hardware.Connect());
        byte[] values =
            [.. Enumerable.Range(0, 24).Where(pcr => (0x0E00FF >> pcr & 1) == 1).SelectMany(pcr => tpm.PcrRead((uint)pcr).ReadOnlySpan.ToArray())];
        return new(SHA1.HashData((byte[])[0, 3, 0xFF, 0, 0x0E, 0, 0, (byte)(values.Length >> 8), (byte)values.Length, .. values]));
    }

    public ITpmConnection ConnectToHardware() => _hardware.Connect();

    public void Dispose()
    {
        Rig.Dispose();
        _hardware.Dispose();
    }

    private ManagerOptions Options(ManagerOptions options) => options with
    {
        Time = Time,
        RetryPause = TimeSpan.Zero,
        Connect = _ => ScriptedConnection.Around(_hardware.Connect(), (request, send) =>
            Intercept?.Invoke((TpmOrdinal)System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(request.AsSpan(6))) ?? send(request)),
    };
}
