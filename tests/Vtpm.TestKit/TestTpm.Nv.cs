using Vtpm.Engine.Commands.NonVolatileStorage;
using Vtpm.Wire;

namespace Vtpm.TestKit;

/// <content>NV areas, their protection, and physical presence.</content>
public sealed partial class TestTpm
{
    /// <summary>The index of the area that tests define.</summary>
    public const uint NvIndex = 0x00011101;

    /// <summary>The authorization value of the areas that tests define.</summary>
    public static byte[] NvAuth { get; } = [.. Enumerable.Repeat((byte)0xA5, 20)];

    /// <summary>PCR information that asks for no register, at the localities given.</summary>
    public static TpmPcrInfoShort AnyPcrs(TpmLocalitySelection localities = TpmLocalitySelection.All) =>
        new() { PcrSelection = TpmPcrSelection.Of(), LocalityAtRelease = localities };

    /// <summary>TPM_NV_DATA_PUBLIC of an area without conditions on PCRs or localities.</summary>
    public static TpmNvDataPublic NvPublic(TpmNvPermission permission, uint size = 16, uint index = NvIndex) => new()
    {
        NvIndex = index,
        PcrInfoRead = AnyPcrs(),
        PcrInfoWrite = AnyPcrs(),
        Permission = new TpmNvAttributes { Attributes = permission },
        DataSize = size,
    };

    /// <summary>TPM_NV_DefineSpace of TPM_NV_INDEX_LOCK, as the platform's maker does: from here on all rules hold.</summary>
    public void LockNv() => Send(new NvDefineSpace(), new NvDefineSpaceRequest { PubInfo = NvPublic(TpmNvPermission.None, size: 0, index: TpmNvIndex.Lock) });

    /// <summary>Somebody sits at the platform, or nobody.</summary>
    public void AssertPresence(bool present = true) => State = State with
    {
        Permanent = State.Permanent with { Flags = State.Permanent.Flags with { PhysicalPresenceCmdEnable = true } },
        StClearFlags = State.StClearFlags with { PhysicalPresence = present },
    };

    /// <summary>TPM_NV_DefineSpace by the owner; the area's secret is <see cref="NvAuth"/>.</summary>
    public TpmResult TryDefineNv(in TpmNvDataPublic pubInfo)
    {
        TestAuth osap = Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, OwnerAuth);
        return ResultOf(new NvDefineSpace(), new NvDefineSpaceRequest { PubInfo = pubInfo, EncAuth = EncryptAuth(osap, NvAuth) }, osap);
    }

    /// <inheritdoc cref="TryDefineNv"/>
    public void DefineNv(in TpmNvDataPublic pubInfo)
    {
        TpmResult result = TryDefineNv(pubInfo);
        if (result != TpmResult.Success) throw new TpmErrorException(TpmOrdinal.NvDefineSpace, result);
    }

    /// <summary>TPM_NV_DefineSpace without authorization; the area's secret is <see cref="NvAuth"/>, in the clear.</summary>
    public TpmResult TryDefineNvUnowned(in TpmNvDataPublic pubInfo) =>
        ResultOf(new NvDefineSpace(), new NvDefineSpaceRequest { PubInfo = pubInfo, EncAuth = new TpmAuthData(NvAuth) });

    public TpmResult WriteNv(byte[] data, uint offset = 0, uint index = NvIndex, params TestAuth[] auths) =>
        ResultOf(new NvWriteValue(), new NvWriteValueRequest { NvIndex = index, Offset = offset, Data = data }, auths);

    public TpmResult WriteNvAuth(byte[] data, TestAuth auth, uint offset = 0, uint index = NvIndex) =>
        ResultOf(new NvWriteValueAuth(), new NvWriteValueRequest { NvIndex = index, Offset = offset, Data = data }, auth);

    public TpmResult ReadNv(uint size, out byte[] data, uint offset = 0, uint index = NvIndex, params TestAuth[] auths)
    {
        TpmResult result = TrySend(
            new NvReadValue(), new NvReadValueRequest { NvIndex = index, Offset = offset, DataSize = size }, out NvReadValueResponse response, auths);
        data = response.Data.ToArray();
        return result;
    }

    public TpmResult ReadNvAuth(uint size, out byte[] data, TestAuth auth, uint offset = 0, uint index = NvIndex)
    {
        TpmResult result = TrySend(
            new NvReadValueAuth(), new NvReadValueRequest { NvIndex = index, Offset = offset, DataSize = size }, out NvReadValueResponse response, auth);
        data = response.Data.ToArray();
        return result;
    }

    /// <summary>An OIAP session with the secret of the owner.</summary>
    public TestAuth AsOwner() => Oiap(OwnerAuth);
}
