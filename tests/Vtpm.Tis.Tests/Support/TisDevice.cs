namespace Vtpm.Tis.Tests.Support;

/// <summary>
/// A TPM as its registers show it, by the state machine of the PC Client TPM Interface Specification: five localities, one FIFO, burst counts. What
/// a driver may not do is a violation; what a chip may do wrong is asked for by the properties.
/// </summary>
internal sealed partial class TisDevice(SteppingTime time)
{
    private const byte Expect = 0x08, DataAvail = 0x10, Go = 0x20, CommandReady = 0x40, Valid = 0x80, ResponseRetry = 0x02;

    private readonly List<byte> _input = [];
    private State _state;
    private byte[] _response = [];
    private int _offset;
    private int _end;
    private int _burstLeft;
    private int _burstLooks;
    private int _invalidLooks;
    private int _generation;

    private enum State
    {
        Idle,
        Ready,
        Reception,
        Execution,
        Completion,
    }

    /// <summary>Answers a command. By default with success and nothing else.</summary>
    public Func<byte[], byte[]> Execute { get; set; } = _ => [0x00, 0xC4, 0, 0, 0, 10, 0, 0, 0, 0];

    public TimeSpan ExecutionTime { get; set; }

    /// <summary>How many bytes it takes and gives at once.</summary>
    public int Burst { get; set; } = 16;

    /// <summary>How many looks at the burst count read zero before there is a new one.</summary>
    public int LooksPerBurst { get; set; }

    /// <summary>How many looks at the status are not valid yet after each change.</summary>
    public int LooksUntilValid { get; set; }

    public bool IsNeverReady { get; set; }

    public bool IsNeverValid { get; set; }

    public bool HasNoBurst { get; set; }

    public bool NeverAnswers { get; set; }

    /// <summary>In so many attempts it loses a byte of the command, and expects one more than there is.</summary>
    public int LostBytes { get; set; }

    /// <summary>In so many attempts it expects no more after eight bytes.</summary>
    public int EarlyEnds { get; set; }

    /// <summary>So many times the response ends after <see cref="ShortLength"/> bytes.</summary>
    public int ShortResponses { get; set; }

    public int ShortLength { get; set; } = 7;

    /// <summary>So many times the response's paramSize is <see cref="GarbledSize"/>.</summary>
    public int GarbledResponses { get; set; }

    public byte GarbledSize { get; set; } = 0xFF;

    /// <summary>So many times a byte follows the response.</summary>
    public int LongResponses { get; set; }

    /// <summary>Told about every byte of a command, with how many there are.</summary>
    public Action<int>? ByteTaken { get; set; }

    /// <summary>Told about every byte of a response, with how many have gone.</summary>
    public Action<int>? ByteGiven { get; set; }

    /// <summary>What no driver may do.</summary>
    public List<string> Violations { get; } = [];

    /// <summary>The commands that were executed, whole.</summary>
    public List<byte[]> Executed { get; } = [];

    /// <summary>Commands that were cancelled while it took or executed them.</summary>
    public int Cancelled { get; private set; }

    /// <summary>How often a response was asked for again.</summary>
    public int Retries { get; private set; }

    public bool IsIdleOrReady => _state is State.Idle or State.Ready;

    /// <summary>Another program on the same locality writes commandReady.</summary>
    public void CancelByAnother() => Enter(State.Ready);

    private bool ExpectsMore
    {
        get
        {
            if (_state is not (State.Ready or State.Reception)) return false;
            if (EarlyEnds > 0 && _input.Count >= 8) return false;
            int lost = LostBytes > 0 ? 1 : 0;
            return _input.Count < 6 || _input.Count < ((_input[2] << 24) | (_input[3] << 16) | (_input[4] << 8) | _input[5]) + lost;
        }
    }

    private byte ReadStatus()
    {
        byte bits = 0;
        if (_state == State.Ready && !IsNeverReady) bits |= CommandReady;
        if (ExpectsMore) bits |= Expect;
        if (_state == State.Completion && _offset < _end) bits |= DataAvail;
        if (IsNeverValid || _invalidLooks-- > 0) return (byte)(bits ^ (Expect | DataAvail));
        return (byte)(bits | Valid);
    }

    private int ReadBurst()
    {
        if (HasNoBurst || _state is State.Idle or State.Execution) return 0;
        if (_burstLeft > 0) return _burstLeft;
        if (_burstLooks++ < LooksPerBurst) return 0;
        _burstLooks = 0;
        return _burstLeft = _state == State.Completion ? Math.Min(Burst, _end - _offset) : Burst;
    }

    private void WriteStatus(byte value)
    {
        switch (value)
        {
            case CommandReady:
                if (_state is State.Reception or State.Execution) Cancelled++;
                if (_state == State.Reception) (LostBytes, EarlyEnds) = (Math.Max(0, LostBytes - 1), Math.Max(0, EarlyEnds - 1));
                Enter(State.Ready);
                break;
            case Go when _state == State.Reception && !ExpectsMore && EarlyEnds == 0:
                Enter(State.Execution);
                Start();
                break;
            case ResponseRetry when _state == State.Completion:
                Retries++;
                (ShortResponses, GarbledResponses, LongResponses) =
                    (Math.Max(0, ShortResponses - 1), Math.Max(0, GarbledResponses - 1), Math.Max(0, LongResponses - 1));
                Enter(State.Completion);
                break;
            default:
                Violations.Add($"0x{value:x2} written to TPM_STS while {_state}");
                break;
        }
    }

    private void Start()
    {
        byte[] request = [.. _input];
        Executed.Add(request);
        if (NeverAnswers) return;
        int generation = _generation;
        if (ExecutionTime == TimeSpan.Zero) Complete();
        else time.After(ExecutionTime, Complete);

        void Complete()
        {
            // Unless it was cancelled by then.
            if (generation != _generation) return;
            _response = Execute(request);
            if (generation == _generation) Enter(State.Completion);
        }
    }

    private void WriteData(byte value)
    {
        if (!ExpectsMore || _burstLeft == 0)
        {
            Violations.Add($"a byte written while {_state}, with a burst count of {_burstLeft}, after {_input.Count}");
            return;
        }

        _burstLeft--;
        _state = State.Reception;
        _invalidLooks = LooksUntilValid;
        _input.Add(value);
        ByteTaken?.Invoke(_input.Count);
    }

    private byte ReadData()
    {
        if (_state != State.Completion || _offset >= _end || _burstLeft == 0)
        {
            Violations.Add($"a byte read while {_state}, with a burst count of {_burstLeft}, after {_offset}");
            return TisRegister.Nothing;
        }

        _burstLeft--;
        _invalidLooks = LooksUntilValid;
        byte value = _offset < _response.Length ? _response[_offset] : (byte)0xEE;
        if (GarbledResponses > 0 && _offset is 4 or 5) value = GarbledSize;
        _offset++;
        ByteGiven?.Invoke(_offset);
        return value;
    }

    private void Enter(State state)
    {
        _generation++;
        _state = state;
        (_burstLeft, _burstLooks, _invalidLooks, _offset) = (0, 0, LooksUntilValid, 0);
        if (state == State.Ready) _input.Clear();
        if (state != State.Completion) return;
        _end = _response.Length;
        if (ShortResponses > 0) _end = ShortLength;
        if (LongResponses > 0) _end = _response.Length + 1;
    }
}
