using Vtpm.Engine.Commands.Auditing;
using Vtpm.Engine.Commands.Integrity;
using Vtpm.Engine.Commands.SessionManagement;
using Vtpm.Engine.Commands.TransportSessions;
using Vtpm.TestKit;
using Vtpm.Wire;

namespace Vtpm.Engine.Tests.Theories;

/// <content>Transport sessions, and auditing.</content>
public static partial class Corpus
{
    private static void Transport(TestTpm tpm)
    {
        uint sign = tpm.LoadWrapped(TpmKeyUsage.Signing);
        tpm.EstablishTransport(TestTpm.Transport(TpmTransportAttributes.Encrypt, TpmAlgorithmId.Aes128, TpmEncScheme.SymCtr), TpmKeyHandle.Srk, TestTpm.WellKnown);
        TestTransport transport = tpm.EstablishTransport(TestTpm.Transport(TpmTransportAttributes.Log));
        tpm.ExecuteWrapped(transport, new PcrRead(), new PcrReadRequest { PcrIndex = 9 });
        tpm.ExecuteWrapped(transport, new Extend(), new ExtendRequest { PcrNum = 9, InDigest = TpmDigest.AllOnes });
        ReadOnlyMemory<byte> saved = tpm.Send(
            new SaveContext(), new SaveContextRequest { Handle = transport.Handle, ResourceType = TpmResourceType.Trans, Label = new byte[16] }).ContextBlob;
        tpm.Send(new LoadContext(), new LoadContextRequest { ContextBlob = saved, KeepHandle = true });
        var auth = new TestAuth { Handle = transport.Handle, NonceEven = transport.NonceEven, NonceOdd = tpm.NewNonce(), Key = transport.AuthData };
        tpm.Send(new ReleaseTransportSigned(), new ReleaseTransportSignedRequest { KeyHandle = sign, AntiReplay = tpm.NewNonce() }, Key(tpm), auth);
    }

    private static void Audit(TestTpm tpm)
    {
        uint sign = tpm.LoadWrapped(TpmKeyUsage.Signing);
        tpm.Send(new SetOrdinalAuditStatus(), new SetOrdinalAuditStatusRequest { OrdinalToAudit = TpmOrdinal.Extend, AuditState = true }, Owner(tpm));
        tpm.Send(new Extend(), new ExtendRequest { PcrNum = 9, InDigest = TpmDigest.AllOnes });
        tpm.Send(new GetAuditDigest(), default);
        tpm.Send(new GetAuditDigestSigned(), new GetAuditDigestSignedRequest { KeyHandle = sign, AntiReplay = tpm.NewNonce() }, Key(tpm));
    }
}
