using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Endorsement;

public struct CreateRevocableEKRequest : IWireStructure<CreateRevocableEKRequest>
{
    public TpmNonce AntiReplay;
    public TpmKeyParms KeyInfo;
    public bool GenerateReset;
    public TpmNonce InputEKReset;

    public static void Describe<TCodec>(ref TCodec wire, ref CreateRevocableEKRequest value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        TpmNonce.Describe(ref wire, ref value.AntiReplay);
        wire.Structure(ref value.KeyInfo);
        wire.Bool(ref value.GenerateReset);
        TpmNonce.Describe(ref wire, ref value.InputEKReset);
    }
}

public struct CreateRevocableEKResponse : IWireStructure<CreateRevocableEKResponse>
{
    public PubekResponse Pubek;
    public TpmNonce OutputEKReset;

    public static void Describe<TCodec>(ref TCodec wire, ref CreateRevocableEKResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Structure(ref value.Pubek);
        TpmNonce.Describe(ref wire, ref value.OutputEKReset);
    }
}

/// <summary><c>TPM_CreateRevocableEK</c>, Part 3 §14.2: makes an endorsement key that TPM_RevokeTrust can take back.</summary>
public sealed class CreateRevocableEK()
    : TpmCommand<CreateRevocableEKRequest, CreateRevocableEKResponse>(
        TpmOrdinal.CreateRevocableEK, Sessions.None, Availability.NoOwner, Duration.Long)
{
    protected override TpmResult Execute(CommandContext tpm, in CreateRevocableEKRequest request, ref CreateRevocableEKResponse response)
    {
        if (CreateEndorsementKeyPair.Create(tpm, request.KeyInfo).Failed(out TpmResult error)) return error;
        tpm.PermanentFlags = tpm.PermanentFlags with { EnableRevokeEK = true };
        response.OutputEKReset = request.GenerateReset ? tpm.NewNonce() : request.InputEKReset;
        tpm.PermanentData = tpm.PermanentData with { EKReset = new Secret(response.OutputEKReset.ReadOnlySpan) };
        response.Pubek = PubekResponse.Of(tpm.PermanentData.EndorsementKey!, request.AntiReplay);
        return Success;
    }
}
