using Vtpm.Differential.Commands;
using Vtpm.Differential.Sides;
using Vtpm.Differential.Steps;
using Vtpm.Wire;

namespace Vtpm.Differential.Generation;

/// <content>Transport sessions, and commands that go through them.</content>
public sealed partial class Generator
{
    private IEnumerable<(int, Action)> TransportScenes() => [(3, EstablishTransport), (8, GoThroughTransport), (1, FlushTransport), (1, ReleaseTransport)];

    private void EstablishTransport()
    {
        if (_world.Transports.Count >= 4) FlushTransport();
        int transport = _world.NewNumber();
        var pub = new TpmTransportPublic
        {
            TransAttributes = Pick(
                TpmTransportAttributes.Encrypt, TpmTransportAttributes.Encrypt | TpmTransportAttributes.Log, TpmTransportAttributes.None),
            AlgId = Pick(TpmAlgorithmId.Mgf1, TpmAlgorithmId.Aes128),
            EncScheme = TpmEncScheme.None,
        };
        if (pub.AlgId == TpmAlgorithmId.Aes128) pub.EncScheme = Pick(TpmEncScheme.SymCtr, TpmEncScheme.SymOfb);
        // A secret that came in the clear encrypts nothing.
        bool isSecret = pub.TransAttributes.HasFlag(TpmTransportAttributes.Encrypt) ^ Chance(5);
        int? key = isSecret ? Chance(70) ? SideMemory.Srk : KeyFor(TpmKeyUsage.Storage, TpmKeyUsage.Legacy) : null;
        SessionUse? auth = key is null ? null : MaybeAuth(key.Value);
        // Believed at once, so that the scene can go on with it; what is not there is sent as it is.
        _world.Transports.Add(transport);
        Emit(Transport.Establish(transport, pub, key, Secrets.Transport, auth));
    }

    /// <summary>A scene or two in a transport session, its sessions included.</summary>
    private void GoThroughTransport()
    {
        if (_transport is not null) return;
        if (_world.Transports.Count == 0) EstablishTransport();
        if (_world.Transports.Count == 0) return;
        _transport = Pick(_world.Transports);
        for (int i = 1 + _random.Next(2); i > 0; i--)
        {
            Pick<Action>(
                ExtendPcr, ReadPcr, RandomNumbers, SignBytes, SealData, UnsealData, LoadOutsideKey, GetPubKey, QuotePcrs, ReadArea, WriteArea, IncrementCounter)();
        }

        _transport = null;
    }

    private void FlushTransport()
    {
        if (_world.Transports.Count == 0) return;
        int transport = Pick(_world.Transports);
        Emit(Transport.Flush(transport), () => _world.Transports.Remove(transport));
    }

    private void ReleaseTransport()
    {
        if (_world.Transports.Count == 0) return;
        int transport = Pick(_world.Transports), key = KeyFor(TpmKeyUsage.Signing, TpmKeyUsage.Legacy);
        Emit(Transport.Release(transport, key, Bytes(20), Oiap(SecretOf(key))), () => _world.Transports.Remove(transport));
    }
}
