using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Maintenance;

public struct ReadManuMaintPubRequest : IWireStructure<ReadManuMaintPubRequest>
{
    public TpmNonce AntiReplay;

    public static void Describe<TCodec>(ref TCodec wire, ref ReadManuMaintPubRequest value)
        where TCodec : struct, IWireCodec, allows ref struct => TpmNonce.Describe(ref wire, ref value.AntiReplay);
}

/// <summary><c>TPM_ReadManuMaintPub</c>, Part 3 §12.5: which key TPM_LoadManuMaintPub has brought, for whoever knows it already.</summary>
public sealed class ReadManuMaintPub()
    : TpmCommand<ReadManuMaintPubRequest, ManuMaintPubResponse>(
        TpmOrdinal.ReadManuMaintPub, Sessions.None, Availability.NoOwner, Duration.Short, Audit.Default)
{
    protected override TpmResult Execute(CommandContext tpm, in ReadManuMaintPubRequest request, ref ManuMaintPubResponse response)
    {
        // A TPM that has got no key has one of zeroes.
        response.Checksum = LoadManuMaintPub.Checksum(tpm.PermanentData.ManuMaintPub ?? default, request.AntiReplay);
        return Success;
    }
}
