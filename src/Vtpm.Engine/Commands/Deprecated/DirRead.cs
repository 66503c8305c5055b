using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Deprecated;

public struct DirReadRequest : IWireStructure<DirReadRequest>
{
    public uint DirIndex;

    public static void Describe<TCodec>(ref TCodec wire, ref DirReadRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => wire.UInt32(ref value.DirIndex);
}

public struct DirReadResponse : IWireStructure<DirReadResponse>
{
    public TpmDigest DirContents;

    public static void Describe<TCodec>(ref TCodec wire, ref DirReadResponse value)
        where TCodec : struct, IWireCodec, allows ref struct => TpmDigest.Describe(ref wire, ref value.DirContents);
}

/// <summary><c>TPM_DirRead</c>, Part 3 §27.3.2: reads the one data integrity register, which is also the NV area TPM_NV_INDEX_DIR.</summary>
public sealed class DirRead()
    : TpmCommand<DirReadRequest, DirReadResponse>(TpmOrdinal.DirRead, Sessions.None, Availability.Owned, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in DirReadRequest request, ref DirReadResponse response)
    {
        if (request.DirIndex != 0) return BadIndex;
        response.DirContents = tpm.PermanentData.AuthDir;
        return Success;
    }
}
