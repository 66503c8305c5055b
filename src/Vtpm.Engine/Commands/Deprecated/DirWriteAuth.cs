using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Deprecated;

public struct DirWriteAuthRequest : IWireStructure<DirWriteAuthRequest>
{
    public uint DirIndex;
    public TpmDigest NewContents;

    public static void Describe<TCodec>(ref TCodec wire, ref DirWriteAuthRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.UInt32(ref value.DirIndex);
        TpmDigest.Describe(ref wire, ref value.NewContents);
    }
}

/// <summary><c>TPM_DirWriteAuth</c>, Part 3 §27.3.1: the owner writes the one data integrity register.</summary>
public sealed class DirWriteAuth()
    : TpmCommand<DirWriteAuthRequest, NoParameters>(TpmOrdinal.DirWriteAuth, Sessions.One, Availability.Owned, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in DirWriteAuthRequest request, ref NoParameters response)
    {
        if (tpm.AuthorizeOwner().Failed(out TpmResult error)) return error;
        if (request.DirIndex != 0) return BadIndex;
        tpm.PermanentData = tpm.PermanentData with { AuthDir = request.NewContents };
        return Success;
    }
}
