using System.Buffers.Binary;
using System.Security.Cryptography;
using Vtpm.Client;
using Vtpm.Client.Tests.Support;
using Vtpm.Manager.Tests.Support;
using Vtpm.Storage;
using Vtpm.Transports;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Manager.Tests;

/// <summary>Input that no client of good will sends.</summary>
public sealed class MalformedTests : IDisposable
{
    private static readonly Guid Uuid = new("11111111-2222-3333-4444-555555555555");
    private readonly ManagerRig _rig = new(HardwareKind.Engine);

    public void Dispose() => _rig.Dispose();

    public static TheoryData<TpmTag, uint> EveryCommand()
    {
        var data = new TheoryData<TpmTag, uint>();
        foreach (VtpmManagerOrdinal ordinal in ManagerCommands.OfVtpms.Keys) data.Add(TpmTag.VtpmReq, (uint)ordinal);
        foreach (VtpmManagerOrdinal ordinal in ManagerCommands.OfAdministrators.Keys) data.Add(TpmTag.VtpmReq2, (uint)ordinal);
        return data;
    }

    [Theory]
    [MemberData(nameof(EveryCommand))]
    public void Command_TruncatedAtAnyByteOrTooLong_IsABadParameterAndChangesNothing(TpmTag tag, uint ordinal)
    {
        ManagerLink link = Opened();
        byte[] parameters = Valid((VtpmManagerOrdinal)ordinal);
        byte[] before = [.. _rig.Image];
        for (int length = 0; length < parameters.Length; length++)
        {
            // A vTPM's name may be left out, and key data may be shorter.
            if ((VtpmManagerOrdinal)ordinal == VtpmManagerOrdinal.VtpmNew && length == 4) continue;
            if ((VtpmManagerOrdinal)ordinal == VtpmManagerOrdinal.SaveHashKey && length >= 52) continue;
            // Less than a part is a part.
            if ((VtpmManagerOrdinal)ordinal == VtpmManagerOrdinal.GroupUpdatePart && length > 12) continue;
            Assert.Equal(TpmResult.BadParameter, _rig.Send(link, tag, ordinal, parameters[..length]));
        }

        // Not a zero: after the uuid of a new vTPM one may stand.
        Assert.Equal(TpmResult.BadParameter, _rig.Send(link, tag, ordinal, [.. parameters, 1]));
        Assert.Equal(before, _rig.Image);
    }

    [Theory]
    [MemberData(nameof(EveryCommand))]
    public void Command_WithRandomParameters_IsAnsweredAndTheManagerLives(TpmTag tag, uint ordinal)
    {
        ManagerLink link = Opened();
        var random = new Random((int)ordinal);
        byte[] valid = Valid((VtpmManagerOrdinal)ordinal);
        for (int i = 0; i < 300; i++)
        {
            byte[] parameters = new byte[random.Next(300)];
            if (i % 2 == 0 && valid.Length > 0)
            {
                parameters = [.. valid];
                for (int flips = random.Next(1, 4); flips > 0; flips--) parameters[random.Next(Math.Min(parameters.Length, 40))] ^= (byte)(1 << random.Next(8));
            }
            else
            {
                random.NextBytes(parameters);
            }

            _rig.Send(link, tag, ordinal, parameters);
        }

        Assert.DoesNotContain(_rig.Log, line => line.Contains("answered TPM_FAIL", StringComparison.Ordinal));
        Assert.Equal(TpmResult.Success, _rig.Send(link, TpmTag.VtpmReq, (uint)VtpmManagerOrdinal.LoadHashKey));
    }

    [Fact]
    public void Request_OfAnyShortLengthOrWrongSize_IsAnswered()
    {
        byte[] request = [0x01, 0xC1, 0, 0, 0, 10, 0, 0, 0, 2];
        byte[] response = new byte[TpmMessage.MaxLength];
        ManagerLink link = Opened();
        for (int length = 0; length < request.Length; length++)
        {
            Assert.Equal(TpmHeader.Size, _rig.Manager.Service.Handle(link, request.AsSpan(0, length), response));
            Assert.Equal((uint)TpmResult.BadParamSize, BinaryPrimitives.ReadUInt32BigEndian(response.AsSpan(6)));
        }

        request[5] = 11;
        Assert.Equal(TpmHeader.Size, _rig.Manager.Service.Handle(link, request, response));
        Assert.Equal((uint)TpmResult.BadParamSize, BinaryPrimitives.ReadUInt32BigEndian(response.AsSpan(6)));
    }

    private ManagerLink Opened()
    {
        ManagerLink link = ManagerLink.ToVtpm(Uuid, VtpmLabel.OnSocket(Uuid));
        Assert.Equal(TpmResult.Success, _rig.Send(link, TpmTag.VtpmReq, (uint)VtpmManagerOrdinal.SaveHashKey, new byte[52]));
        Assert.True(_rig.Manager.Service.MayManage(link));
        return link;
    }

    /// <summary>Parameters that read; what is named in them need not be there.</summary>
    private byte[] Valid(VtpmManagerOrdinal ordinal)
    {
        ManagerGroup group = _rig.Manager.Service.Image.Groups[0];
        return ordinal switch
        {
            VtpmManagerOrdinal.SaveHashKey => new byte[64],
            VtpmManagerOrdinal.GetQuote => WireFormat.ToBytes(new VtpmGetQuoteRequest { PcrSelection = TpmPcrSelection.Of(1), Flags = (VtpmQuoteFlags)15 }),
            VtpmManagerOrdinal.GroupNew => [.. new byte[20], .. group.SaaModulus.Span],
            VtpmManagerOrdinal.GroupDel or VtpmManagerOrdinal.GroupShow or VtpmManagerOrdinal.GroupRotate => [0, 0, 0, 9],
            VtpmManagerOrdinal.GroupActivate => WireFormat.ToBytes(new VtpmGroupActivateRequest { Blob = new byte[256] }),
            VtpmManagerOrdinal.GroupRegister => WireFormat.ToBytes(new VtpmGroupRegisterRequest { PcrSelection = TpmPcrSelection.Of(1) }),
            VtpmManagerOrdinal.GroupUpdate => [0, 0, 0, 0, .. Update(group)],
            VtpmManagerOrdinal.VtpmList => new byte[8],
            VtpmManagerOrdinal.VtpmNew => [0, 0, 0, 0, .. Guid.NewGuid().ToByteArray()],
            VtpmManagerOrdinal.VtpmDel or VtpmManagerOrdinal.VtpmShow => Guid.NewGuid().ToByteArray(),
            VtpmManagerOrdinal.VtpmEdit => [.. Guid.NewGuid().ToByteArray(), .. new byte[8]],
            VtpmManagerOrdinal.GroupQuote => WireFormat.ToBytes(new VtpmGroupQuoteRequest { PcrSelection = TpmPcrSelection.Of(1) }),
            VtpmManagerOrdinal.GroupRecover1 => WireFormat.ToBytes(new VtpmGroupRecover1Request { ProxyAik = TpmKeys.Identity, PcrSelection = TpmPcrSelection.Of(1) }),
            VtpmManagerOrdinal.GroupRecover2 => WireFormat.ToBytes(new VtpmGroupRecover2Request()),
            VtpmManagerOrdinal.GroupInfo => new byte[12],
            VtpmManagerOrdinal.GroupIdentity => [0, 0, 0, 9, .. new byte[20]],
            VtpmManagerOrdinal.GroupUpdatePart => [0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 1, 2, 3],
            _ => HardwareCommand(ordinal),
        };
    }

    private static byte[] HardwareCommand(VtpmManagerOrdinal ordinal) => ordinal switch
    {
        VtpmManagerOrdinal.TpmMakeIdentity => WireFormat.ToBytes(new VtpmMakeIdentityRequest { IdKeyParams = TpmKeys.Storage(TpmKeyFlags.None) }),
        VtpmManagerOrdinal.TpmActivateIdentity => WireFormat.ToBytes(new VtpmActivateIdentityRequest { IdKey = TpmKeys.Identity, Blob = new byte[256] }),
        VtpmManagerOrdinal.TpmNvDefineSpace => WireFormat.ToBytes(new VtpmNvDefineSpaceRequest { PubInfo = new TpmNvDataPublic { DataSize = 8 } }),
        VtpmManagerOrdinal.TpmNvWriteValue => WireFormat.ToBytes(new VtpmNvWriteValueRequest { Data = new byte[8] }),
        VtpmManagerOrdinal.TpmNvReadValue => WireFormat.ToBytes(new VtpmNvReadValueRequest { DataSize = 8 }),
        _ => [],
    };

    private byte[] Update(ManagerGroup group)
    {
        using RSA key = RSA.Create();
        key.ImportFromPem(File.ReadAllText(_rig.KeyPath));
        return SignedConfiguration.CreateOriginal(key, group.ToConfigList(), [ProvisioningOptions.DefaultPcrMask]);
    }
}
